"""Run the host application in a process, and return its output, its exit status and the requests to its backend."""

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

    from tests.support.backends.host_backend import HostBackend

TIMEOUT = 1  # seconds, the timeout of each report unless a test sets another
_APPLICATION = [sys.executable, "-m", "tests.promises.host_application"]
_WITHIN = 50  # seconds, far above what any run takes


class CompletedRun(NamedTuple):
    """The output and status of a finished host, and its duration in seconds."""

    status: int
    stdout: str
    stderr: str
    received: list[Any]
    seconds: float


def run_host(
    entry_point: str, host_backend: HostBackend, environ: dict[str, str], *, prefix: tuple[str, ...] = ()
) -> CompletedRun:
    """Run the host application to its end."""
    began = time.monotonic()
    ended = subprocess.run(
        [*prefix, *_APPLICATION, entry_point, host_backend.endpoint], env=_variables(environ), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False, timeout=_WITHIN,
    )  # fmt: skip
    seconds = time.monotonic() - began
    return CompletedRun(ended.returncode, ended.stdout, ended.stderr, host_backend.take_received(), seconds)


def _variables(environ: dict[str, str]) -> dict[str, str]:
    """Return all variables of a host."""
    otlp = {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_TIMEOUT": str(TIMEOUT)}
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), **otlp, **environ}


def run_host_with_signals(
    entry_point: str, host_backend: HostBackend, environ: dict[str, str], wait_for_report: Callable[[], object]
) -> CompletedRun:
    """Run the host application, and send it two signals while it reports, or when it would."""
    began = time.monotonic()
    with subprocess.Popen(
        [*_APPLICATION, entry_point, host_backend.endpoint, "wait"], env=_variables(environ), stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        printed = _read_until("reporting", process.stdout)
        wait_for_report()
        printed_errors = ""
        for number in (signal.SIGUSR1, signal.SIGTERM):
            process.send_signal(number)
            printed_errors += _read_until(f"signal {number:d}", process.stderr)
        output, errors = process.communicate("\n", timeout=_WITHIN)
    seconds = time.monotonic() - began
    printed = printed.replace("reporting\n", "") + output
    return CompletedRun(process.returncode, printed, printed_errors + errors, host_backend.take_received(), seconds)


def _read_until(last: str, stream: IO[str]) -> str:
    """Return the output up to and including a line."""
    printed = ""
    while not printed.endswith(f"{last}\n"):
        line = stream.readline()
        assert line, printed
        printed += line
    return printed
