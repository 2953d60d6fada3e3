"""What it costs to run a program."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Cost(NamedTuple):
    """The cost of running a program.

    Attributes:
        seconds: the time from start to end.
        processor: the seconds of processor time on all cores, which other load affects less.
        memory: the peak resident memory, in MiB; of the largest process if there are several.
        output: its stdout.
    """

    seconds: float
    processor: float
    memory: float
    output: bytes


def measure(command: Sequence[str]) -> Cost:
    """Run a program to its end."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603  a command of the benchmark
    output = process.stdout.read() if process.stdout else b""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Cost(time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output)
