"""A client in a process of its own, so that its threads, descriptors and memory can be counted.

Run as a program, it reads deliveries from stdin and writes reports to a descriptor given as its argument, one line of
JSON each. It does not use stdout and stderr itself: anything printed there comes from the code under test.
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

_ENVIRON = dict(os.environ)  # of the process as it was started
_SOURCE = Path(__file__).parents[3]
_SETTLED_WITHIN = 12.0  # seconds for threads to end by themselves; less than gRPC's connection timeout of 20 s


class Report(NamedTuple):
    """The result of a delivery.

    Attributes:
        outcome: the outcome of `send`, or `done` for a pipeline, which reports none.
        reason: the outcome's reason.
        seconds: the duration of each step, by name.
        mebibytes: the growth of the process's peak memory.
    """

    outcome: str
    reason: str
    seconds: dict[str, float]
    mebibytes: float

    @property
    def total(self) -> float:
        """The total duration in seconds."""
        return sum(self.seconds.values())


class Printed(NamedTuple):
    """Output on stdout and stderr."""

    output: str
    errors: str


class Client:
    """The client process, controlled by the test."""

    def __enter__(self) -> Self:
        """Start the process, which waits for deliveries."""
        self._open = ExitStack()
        # Files in append mode: a full pipe that nothing reads would block the client.
        self._output = self._open.enter_context(tempfile.TemporaryFile("a+b", buffering=0))
        self._errors = self._open.enter_context(tempfile.TemporaryFile("a+b", buffering=0))
        self._read = [0, 0]
        reading, writing = os.pipe()
        self._reports = self._open.enter_context(os.fdopen(reading))
        self._process = subprocess.Popen(
            [sys.executable, "-u", "-W", "error", "-m", "tests.support.faults.client", str(writing)],
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
        """Close stdin, which ends the process."""
        with self._open:
            self._process.communicate(timeout=_SETTLED_WITHIN)

    def deliver(self, entry_point: str, environ: Mapping[str, str], timeout: float) -> Report:
        """Deliver the event by `send` or through a `pipeline`, and return the report."""
        return Report(*self._ask({"entry_point": entry_point, "environ": dict(environ), "timeout": timeout}))

    def leaked(self) -> list[str]:
        """Wait some seconds, then return all threads and descriptors if there are more than at the start."""
        return list(self._ask(None))

    def printed(self) -> Printed:
        """Return the output since the last call."""
        return Printed(self._new(0, self._output.fileno()), self._new(1, self._errors.fileno()))

    def _new(self, number: int, descriptor: int) -> str:
        # Read at an explicit offset, because the client shares the file position.
        new = os.pread(descriptor, os.fstat(descriptor).st_size, self._read[number])
        self._read[number] += len(new)
        return new.decode()

    def _ask(self, delivery: object) -> list[Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(delivery) + "\n")
        self._process.stdin.flush()
        answer: list[Any] = json.loads(self._reports.readline())
        return answer


class _Stopwatch:
    """Measures the duration of each step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def time(self, step: str, work: Callable[[], Any]) -> Any:  # noqa: ANN401  the step's result
        began = time.monotonic()
        try:
            return work()
        finally:
            self.seconds[step] = time.monotonic() - began


def _send(stopwatch: _Stopwatch, timeout: float) -> tuple[str, str]:
    from otel_tbot import send  # noqa: PLC0415  only the process loads it
    from tests.support.faults.delivery import EVENT  # noqa: PLC0415  only the process loads it

    outcome = stopwatch.time("send", lambda: send(EVENT, timeout=timeout))
    return outcome.status, outcome.reason


def _pipeline(stopwatch: _Stopwatch, timeout: float) -> tuple[str, str]:
    from opentelemetry.sdk._logs import LoggerProvider  # noqa: PLC0415  only the process loads it
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor  # noqa: PLC0415  only the process loads it

    from otel_tbot import AnonymousLogExporter, emit  # noqa: PLC0415  only the process loads it
    from tests.support.faults.delivery import EVENT  # noqa: PLC0415  only the process loads it

    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(AnonymousLogExporter(timeout=timeout)))
    stopwatch.time("emit", lambda: emit(EVENT, logger_provider=provider))
    stopwatch.time("flush", provider.force_flush)
    stopwatch.time("shutdown", provider.shutdown)
    return "done", ""


_ENTRY_POINTS = {"send": _send, "pipeline": _pipeline}


def _threads() -> list[str]:
    """Return the threads of this process: Python's by name, and all others by number where the system lists them."""
    pythons = [thread.name for thread in threading.enumerate()]
    with suppress(OSError):
        native = {thread.native_id for thread in threading.enumerate()}
        pythons += [f"thread {number}" for number in os.listdir("/proc/self/task") if int(number) not in native]  # noqa: PTH208
    return pythons


def _descriptors() -> list[str]:
    """Return the open descriptors of this process."""
    found = []
    for number in os.listdir("/dev/fd"):  # noqa: PTH208  names, not paths
        with suppress(OSError):  # the descriptor of the listing itself is closed by now
            os.fstat(int(number))
            found.append(f"descriptor {number}")
    return found


def _peak() -> float:
    """Return the peak memory of this process, in MiB."""
    try:
        # `getrusage` would include the memory of the parent process before exec.
        (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # macOS counts in bytes
    return int(line.split()[1]) / 2**10


def _leaked(threads: int, descriptors: int) -> list[str]:
    """Wait until there are no more threads and descriptors than these; on a timeout, return all of them."""
    until = time.monotonic() + _SETTLED_WITHIN
    while time.monotonic() < until:
        if len(_threads()) <= threads and len(_descriptors()) <= descriptors:
            return []
        time.sleep(0.01)
    return _threads() + _descriptors()


def _deliver(delivery: dict[str, Any]) -> Report:
    os.environ.clear()
    os.environ.update(_ENVIRON | delivery["environ"])
    stopwatch = _Stopwatch()
    before = _peak()
    outcome, reason = _ENTRY_POINTS[delivery["entry_point"]](stopwatch, delivery["timeout"])
    grown = _peak() - before
    return Report(outcome, reason, stopwatch.seconds, grown)


def main() -> None:
    """Perform deliveries until stdin ends."""
    # The OTLP exporters load it, and newer releases of libffi make it keep a descriptor open forever.
    import ctypes  # noqa: F401, PLC0415  imported for that effect

    # The numbers before the first delivery.
    threads, descriptors = len(_threads()), len(_descriptors())
    with os.fdopen(int(sys.argv[1]), "w") as reports:
        for line in sys.stdin:
            delivery = json.loads(line)
            report = _leaked(threads, descriptors) if delivery is None else _deliver(delivery)
            print(json.dumps(report), file=reports, flush=True)


if __name__ == "__main__":
    main()
