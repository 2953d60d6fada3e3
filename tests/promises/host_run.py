"""Runs of the host application, from outside: what it prints, what arrives at its backend, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from tests.support.program import SOURCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.promises.own_backend import OwnBackend

TIMEOUT = 1  # seconds, of each report
_APPLICATION = [sys.executable, "-m", "tests.promises.host_application"]
_WITHIN = 50  # seconds, far above what any run takes


class CompletedRun(NamedTuple):
    """What there is to see of a host that has ended, and how long it took, in seconds."""

    status: int
    stdout: str
    stderr: str
    arrived: list[Any]
    seconds: float


def run_host(way: str, own: OwnBackend, environ: dict[str, str], *, prefix: tuple[str, ...] = ()) -> CompletedRun:
    """Run the host application to its end."""
    began = time.monotonic()
    ended = subprocess.run(
        [*prefix, *_APPLICATION, way, own.endpoint], env=_variables(environ), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False, timeout=_WITHIN,
    )  # fmt: skip
    seconds = time.monotonic() - began
    return CompletedRun(ended.returncode, ended.stdout, ended.stderr, own.read_and_forget(), seconds)


def _variables(environ: dict[str, str]) -> dict[str, str]:
    """Return all variables of a host."""
    otlp = {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_TIMEOUT": str(TIMEOUT)}
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), **otlp, **environ}


def run_signalled_host(
    way: str, own: OwnBackend, environ: dict[str, str], reported: Callable[[], object]
) -> CompletedRun:
    """Run the host application, and send it two signals when its report is under way, or where that would be."""
    began = time.monotonic()
    with subprocess.Popen(
        [*_APPLICATION, way, own.endpoint, "wait"], env=_variables(environ), stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        printed = _read_until("reporting", process.stdout)
        reported()
        said = ""
        for number in (signal.SIGUSR1, signal.SIGTERM):
            process.send_signal(number)
            said += _read_until(f"signal {number:d}", process.stderr)
        output, errors = process.communicate("\n", timeout=_WITHIN)
    seconds = time.monotonic() - began
    printed = printed.replace("reporting\n", "") + output
    return CompletedRun(process.returncode, printed, said + errors, own.read_and_forget(), seconds)


def _read_until(last: str, stream: IO[str]) -> str:
    """Return what is printed up to a line, and that line."""
    printed = ""
    while not printed.endswith(f"{last}\n"):
        line = stream.readline()
        assert line, printed
        printed += line
    return printed
