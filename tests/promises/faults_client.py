"""A client in a process of its own, where nothing but the client's threads, descriptors and memory is to be seen.

Run as a program, it takes orders on stdin and reports on a descriptor that its argument names, one line of JSON each.
Its stdout and stderr are left to what it uses: whatever is printed there is a finding.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from typing_extensions import Self

_SOURCE = Path(__file__).parents[2]
_SETTLED_WITHIN = 12.0  # seconds in which threads end of themselves; less than the 20 s that gRPC takes to connect


class Report(NamedTuple):
    """What became of an order.

    Attributes:
        outcome: the outcome of `send`, or `done` for a pipeline, which tells nothing.
        reason: the outcome's reason.
        seconds: how long each step took, by its name.
        mebibytes: by how much the most memory that the process ever used has grown.
    """

    outcome: str
    reason: str
    seconds: dict[str, float]
    mebibytes: float

    @property
    def total(self) -> float:
        """How long it took from beginning to end, in seconds."""
        return sum(self.seconds.values())


class Printed(NamedTuple):
    """What stands on stdout and stderr."""

    output: str
    errors: str


class Client:
    """A client process, seen from the test."""

    def __enter__(self) -> Self:
        """Start it; it waits for orders."""
        self._open = ExitStack()
        # Files, appended to: a pipe that no one empties would stop what prints much.
        self._output = self._open.enter_context(tempfile.TemporaryFile("a+b", buffering=0))
        self._errors = self._open.enter_context(tempfile.TemporaryFile("a+b", buffering=0))
        self._read = [0, 0]
        reading, writing = os.pipe()
        self._reports = self._open.enter_context(os.fdopen(reading))
        self._process = subprocess.Popen(
            [sys.executable, "-u", "-W", "error", "-m", "tests.promises.faults_client", str(writing)],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(_SOURCE)},
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=self._errors,
            pass_fds=[writing],
            text=True,
        )
        os.close(writing)
        return self

    def __exit__(self, *_: object) -> None:
        """End it by the end of its orders."""
        with self._open:
            self._process.communicate(timeout=_SETTLED_WITHIN)

    def order(self, way: str, environ: Mapping[str, str], timeout: float) -> Report:
        """Have the event sent by `send` or through a `pipeline`, and return the outcome."""
        return Report(*self._ask({"way": way, "environ": dict(environ), "timeout": timeout}))

    def left(self) -> list[str]:
        """Return what is still there of earlier orders some seconds later: its threads and descriptors, if too many."""
        return list(self._ask(None))

    def printed(self) -> Printed:
        """Return what it has printed since this was last asked."""
        return Printed(self._new(0, self._output.fileno()), self._new(1, self._errors.fileno()))

    def _new(self, number: int, descriptor: int) -> str:
        # Read at a place of its own, so that where the client goes on writing stays where it is.
        new = os.pread(descriptor, os.fstat(descriptor).st_size, self._read[number])
        self._read[number] += len(new)
        return new.decode()

    def _ask(self, order: object) -> list[Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer: list[Any] = json.loads(self._reports.readline())
        return answer


class _AttemptRecorder:
    """Measures the steps of an order."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def time(self, step: str, work: Callable[[], Any]) -> Any:  # noqa: ANN401  what the step returns
        began = time.monotonic()
        try:
            return work()
        finally:
            self.seconds[step] = time.monotonic() - began


def _send(watch: _AttemptRecorder, timeout: float) -> tuple[str, str]:
    from otel_tbot import send  # noqa: PLC0415  only the process loads it
    from tests.promises.faults_deliveries import EVENT  # noqa: PLC0415  likewise

    outcome = watch.time("send", lambda: send(EVENT, timeout=timeout))
    return outcome.status, outcome.reason


def _pipeline(watch: _AttemptRecorder, timeout: float) -> tuple[str, str]:
    from opentelemetry.sdk._logs import LoggerProvider  # noqa: PLC0415  likewise
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor  # noqa: PLC0415  likewise

    from otel_tbot import AnonymousLogExporter, emit  # noqa: PLC0415  likewise
    from tests.promises.faults_deliveries import EVENT  # noqa: PLC0415  likewise

    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(AnonymousLogExporter(timeout=timeout)))
    watch.time("emit", lambda: emit(EVENT, logger_provider=provider))
    watch.time("flush", provider.force_flush)
    watch.time("shutdown", provider.shutdown)
    return "done", ""


_WAYS = {"send": _send, "pipeline": _pipeline}


def _threads() -> list[str]:
    """Return this process's threads: Python's by name, and where the system tells, all others by number."""
    pythons = [thread.name for thread in threading.enumerate()]
    with suppress(OSError):
        native = {thread.native_id for thread in threading.enumerate()}
        pythons += [f"thread {number}" for number in os.listdir("/proc/self/task") if int(number) not in native]  # noqa: PTH208
    return pythons


def _descriptors() -> list[str]:
    """Return where this process's descriptors lead."""
    found = []
    for number in os.listdir("/dev/fd"):  # noqa: PTH208  names, not paths
        with suppress(OSError):  # the folder's own is closed by now
            os.fstat(int(number))
            found.append(f"descriptor {number}")
    return found


def _peak() -> float:
    """Return the most memory that this process has used, in MiB."""
    try:
        # `getrusage` would count the memory of the process that started this one, too.
        (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # macOS counts in bytes
    return int(line.split()[1]) / 2**10


def _left(threads: int, descriptors: int) -> list[str]:
    """Wait until there are no more threads and descriptors than this many; return all of them if that does not come."""
    until = time.monotonic() + _SETTLED_WITHIN
    while time.monotonic() < until:
        if len(_threads()) <= threads and len(_descriptors()) <= descriptors:
            return []
        time.sleep(0.01)
    return _threads() + _descriptors()


def _carry_out(order: dict[str, Any]) -> Report:
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        del os.environ[name]
    os.environ.update(order["environ"])
    watch = _AttemptRecorder()
    before = _peak()
    outcome, reason = _WAYS[order["way"]](watch, order["timeout"])
    grown = _peak() - before
    return Report(outcome, reason, watch.seconds, grown)


def main() -> None:
    """Carry out orders until there are no more."""
    # What libraries open once stays open: it is there before anything is counted.
    threads, descriptors = len(_threads()), len(_descriptors())
    with os.fdopen(int(sys.argv[1]), "w") as reports:
        for line in sys.stdin:
            order = json.loads(line)
            report = _left(threads, descriptors) if order is None else _carry_out(order)
            print(json.dumps(report), file=reports, flush=True)


if __name__ == "__main__":
    main()
