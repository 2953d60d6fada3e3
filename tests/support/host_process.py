"""A Python program that uses the package as a library, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import IO, TYPE_CHECKING, Any

from tests.support import otlp_environment
from tests.support.program import SOURCE

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from otel_tbot.testing import OTLPReceiver

WITHIN = 40  # seconds, far above what any program takes
HEAD = """\
import os, signal, sys, threading
import otel_tbot
def event(version="1.0"):
    return otel_tbot.StartEvent(run_mode="daemon", version=version)
"""
# A logger provider of the host's, for the plug-in's exporters.
PIPELINES = """\
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, SimpleLogRecordProcessor
loggers = LoggerProvider()
"""


def opted_in_variables(receiver: OTLPReceiver, protocol: str = "http/protobuf") -> dict[str, str]:
    """Return the variables that opt in and point to a receiver."""
    return {
        "TELEPORT_ANONYMOUS_TELEMETRY": "1",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "20",
        **otlp_environment.otlp_variables(receiver, protocol),
    }


class HostProcess:
    """A running program in which every Python warning is an error."""

    def __init__(self, code: str, environ: dict[str, str], *, program: tuple[str, ...] = ()) -> None:
        """Start the program.

        Args:
            code: its code, which follows the lines of `HEAD`.
            environ: variables in addition to `PATH` and `PYTHONPATH`.
            program: arguments of the interpreter, used instead of `code`.
        """
        variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), **environ}
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", *(program or ("-c", HEAD + code))],
            env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def __enter__(self) -> Self:
        """Return the running program."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Kill it if it still runs."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            _stream(stream).close()

    def send_line(self) -> None:
        """Send the line of input that it waits for."""
        stream = _stream(self.process.stdin)
        stream.write("\n")
        stream.flush()

    def wait(self) -> tuple[int, str, str]:
        """Wait until it ends, and return its exit status, stdout and stderr."""
        output, errors = self.process.communicate(timeout=WITHIN)
        return self.process.returncode, output, errors


def _stream(stream: IO[Any] | None) -> IO[Any]:
    assert stream is not None
    return stream
