"""Takes the measurements in turn, round after round, so that other load on the machine affects all of them equally."""

from __future__ import annotations

import os
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Sample = float  # seconds, or bytes of memory


@dataclass(frozen=True, kw_only=True)
class Spread:
    """The median of some samples, and how far apart they are.

    Attributes:
        median: the median.
        quartiles: the distance of the quartiles, as a share of the median.
    """

    median: float
    quartiles: float

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> Spread:
        """Return the spread of at least two samples."""
        lower, median, upper = statistics.quantiles(samples, n=4, method="inclusive")
        return cls(median=median, quartiles=(upper - lower) / median if median else 0.0)


def interleaved(probes: Mapping[str, Callable[[], Sample]], rounds: int) -> dict[str, list[Sample]]:
    """Take one sample of every probe in each round; every other round in reverse order."""
    names = list(probes)
    samples: dict[str, list[Sample]] = {name: [] for name in names}
    for probe in probes.values():
        probe()  # fills file caches and compiles bytecode
    for round_ in range(rounds):
        for name in names if round_ % 2 else reversed(names):
            samples[name].append(probes[name]())
    return samples


def elapsed(command: Sequence[str], environ: Mapping[str, str], folder: str) -> Callable[[], Sample]:
    """Return a probe: the seconds that a command takes from its start to its end."""
    return lambda: _run(command, environ, folder)[0]


def peak_memory(command: Sequence[str], environ: Mapping[str, str], folder: str) -> Callable[[], Sample]:
    """Return a probe: the most memory that a command ever has, in bytes."""
    return lambda: _run(command, environ, folder)[1]


def per_call(function: Callable[[], object], calls: int) -> Callable[[], Sample]:
    """Return a probe: the seconds that one call of a function takes, as the mean of many."""

    def probe() -> Sample:
        begin = time.perf_counter()
        for _ in range(calls):
            function()
        return (time.perf_counter() - begin) / calls

    return probe


def until(
    happened: Callable[[], object], command: Sequence[str], environ: Mapping[str, str], folder: str
) -> Callable[[], Sample]:
    """Return a probe: the seconds from a command's start until an event, which a function waits for."""

    def probe() -> Sample:
        begin = time.perf_counter()
        pid = _start(command, environ, folder)
        happened()
        seconds = time.perf_counter() - begin
        _check(command, os.waitpid(pid, 0)[1])
        return seconds

    return probe


def _run(command: Sequence[str], environ: Mapping[str, str], folder: str) -> tuple[float, float]:
    begin = time.perf_counter()
    _, status, usage = os.wait4(_start(command, environ, folder), 0)
    seconds = time.perf_counter() - begin
    _check(command, status)
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2) reports bytes there and KiB elsewhere
    return seconds, usage.ru_maxrss * unit


def _start(command: Sequence[str], environ: Mapping[str, str], folder: str) -> int:
    silent = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)]
    before = Path.cwd()
    os.chdir(folder)
    pid = os.posix_spawn(command[0], list(command), dict(environ), file_actions=silent)
    os.chdir(before)
    return pid


def _check(command: Sequence[str], status: int) -> None:
    if status:
        message = f"{' '.join(command)} exited with {os.waitstatus_to_exitcode(status)}"
        raise RuntimeError(message)
