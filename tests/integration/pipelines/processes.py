"""Programs as users run them: separate processes, with only the named variables."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCE = Path(__file__).parents[3]
PROGRAMS = Path(__file__).parent / "programs"
_BIN = Path(sys.executable).parent
_TIMEOUT = 60  # seconds, far above what any program waits for

ON = {"TELEPORT_ANONYMOUS_TELEMETRY": "1"}


class CompletedRun(NamedTuple):
    """The result of a program.

    Attributes:
        status: its exit status.
        stdout: its standard output.
        stderr: the lines of its standard error.
        seconds: its duration.
    """

    status: int
    stdout: str
    stderr: list[str]
    seconds: float


def start(command: list[str], environ: Mapping[str, str], cwd: Path | None = None) -> CompletedRun:
    """Run a command to its end, with the interpreter's own folder first on PATH."""
    search = os.pathsep.join((str(_BIN), os.environ["PATH"]))
    began = time.monotonic()
    ended = subprocess.run(
        command, env={"PATH": search, "PYTHONPATH": str(SOURCE), **environ}, cwd=cwd, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=_TIMEOUT, check=False,
    )  # fmt: skip
    return CompletedRun(ended.returncode, ended.stdout, _noteworthy(ended.stderr), time.monotonic() - began)


def python(program: str, *arguments: str, environ: Mapping[str, str]) -> CompletedRun:
    """Run one of the programs in `programs` by itself; a Python warning is an error there, too."""
    return start([sys.executable, "-W", "error", str(PROGRAMS / f"{program}.py"), *arguments], environ)


def instrumented(program: str, *arguments: str, environ: Mapping[str, str]) -> CompletedRun:
    """Run one of the programs under `opentelemetry-instrument`, which configures OpenTelemetry before it."""
    command = [str(_BIN / "opentelemetry-instrument"), sys.executable, str(PROGRAMS / f"{program}.py"), *arguments]
    return start(command, {"OTEL_METRICS_EXPORTER": "none", **environ})


def _noteworthy(stderr: str) -> list[str]:
    # The SDK prints this in every process that is configured by a file.
    return [line for line in stderr.splitlines() if not line.startswith("OTEL_CONFIG_FILE is set; ignoring")]
