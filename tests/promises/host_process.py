"""A Python program that uses the package, as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import IO, TYPE_CHECKING, Any

from tests.support import backend
from tests.support.program import SOURCE

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from otel_tbot.testing import OTLPReceiver

WITHIN = 40  # seconds that a host may take, far above what any does
HEAD = """\
import os, signal, sys, threading
import otel_tbot
def event(version="1.0"):
    return otel_tbot.StartEvent(run_mode="daemon", version=version)
"""
# Both pipelines of the plug-in, on providers of the host's.
PIPELINES = """\
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, SimpleLogRecordProcessor
loggers = LoggerProvider()
"""


def opted_in_variables(receiver: OTLPReceiver, protocol: str = "http/protobuf") -> dict[str, str]:
    """Return the variables of consent, and of a backend over a protocol."""
    return {
        "TELEPORT_ANONYMOUS_TELEMETRY": "1",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "20",
        **backend.otlp_variables(receiver, protocol),
    }


class Host:
    """A program under way. A warning of Python's is an error there."""

    def __init__(self, code: str, environ: dict[str, str], *, program: tuple[str, ...] = ()) -> None:
        """Start it.

        Args:
            code: what it does after the lines of `HEAD`.
            environ: the variables; no others are set but `PATH` and `PYTHONPATH`.
            program: what to run in place of `code`.
        """
        variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), **environ}
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", *(program or ("-c", HEAD + code))],
            env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End it, should it still run."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            _stream(stream).close()

    def go_on(self) -> None:
        """Give it the line of input that it waits for."""
        stream = _stream(self.process.stdin)
        stream.write("\n")
        stream.flush()

    def end(self) -> tuple[int, str, str]:
        """Wait for its end, and return the exit status and what it printed."""
        output, errors = self.process.communicate(timeout=WITHIN)
        return self.process.returncode, output, errors


def _stream(stream: IO[Any] | None) -> IO[Any]:
    assert stream is not None
    return stream
