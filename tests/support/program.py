"""Run `otel-tbot` like a user does: in a process of its own, with a fake tbot on PATH."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SOURCE = Path(__file__).parents[2]
VERSION = "18.2.3"
_TIMEOUT = 60  # seconds, far above what any test waits for


def with_constant(module: str, constant: str, value: float) -> list[str]:
    """Return Python's options for `otel-tbot` with another value of a time limit, which a busy machine would exceed."""
    code = f"import {module}; {module}.{constant} = {value}; from otel_tbot.__main__ import main; main()"
    return ["-c", code]


# The answer of a fake tbot must count on a busy machine, too.
PATIENT = with_constant("otel_tbot.tbot.version_probe", "PROBE_TIMEOUT", 30)


def run(
    *arguments: str,
    environ: dict[str, str] | None = None,
    path: Path | None = None,
    cwd: Path | None = None,
    python: Sequence[str] = ("-m", "otel_tbot"),
) -> subprocess.CompletedProcess[str]:
    """Run `otel-tbot` with these arguments and variables, and return what it printed and how it ended.

    Args:
        arguments: the arguments of `otel-tbot`.
        environ: the variables; of all others, only `PATH` is set.
        path: a folder to look for tbot in first.
        cwd: the working directory.
        python: Python's options that run the program.
    """
    search = os.pathsep.join(filter(None, (str(path) if path else "", os.environ["PATH"])))
    # -X dev, -W error: a warning in our own process is an error, as in a test, and an unexpected one has a traceback.
    command = [sys.executable, "-X", "dev", "-W", "error", *python, *arguments]
    variables = {"PATH": search, "PYTHONPATH": str(SOURCE), **(environ or {})}
    return subprocess.run(
        command, env=variables, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_TIMEOUT,
        check=False,
    )  # fmt: skip


def install_fake_tbot(folder: Path, script: str = f"echo 'Teleport v{VERSION} git:v{VERSION}-0-g0 go1.24.7'") -> Path:
    """Put an executable named tbot into a folder; `script` is its content."""
    folder.mkdir(exist_ok=True)
    executable = folder / "tbot"
    executable.write_text(f"#!/bin/sh\n{script}\n")
    executable.chmod(0o755)
    return folder
