"""`otel-tbot` with more time for `tbot version`: a fake tbot's answer must count on a busy machine, too."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.support.program import SOURCE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_TIMEOUT = 60  # seconds
# The options of Python that run the program.
PATIENT = (
    "-c",
    "import otel_tbot.tbot.version_probe as v; v.PROBE_TIMEOUT = 30; from otel_tbot.__main__ import main; main()",
)


def run_patiently(
    *arguments: str, path: Path, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `otel-tbot` like `tests.support.program.run`.

    Args:
        arguments: the arguments of `otel-tbot`.
        path: a folder to look for tbot in first.
        environ: the variables; of all others, only `PATH` is set.
    """
    search = os.pathsep.join((str(path), os.environ["PATH"]))
    return subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", *PATIENT, *arguments],
        env={"PATH": search, "PYTHONPATH": str(SOURCE), **(environ or {})},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_TIMEOUT, check=False,
    )  # fmt: skip
