"""What a program takes from its start to its end."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Cost(NamedTuple):
    """What a program took.

    Attributes:
        seconds: from start to end.
        processor: the seconds of all cores together, which other work on the machine changes less.
        memory: the most resident memory, in MiB; of several processes, of the largest.
        output: its stdout.
    """

    seconds: float
    processor: float
    memory: float
    output: bytes


def measure(command: Sequence[str]) -> Cost:
    """Run a program to its end."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603  the benchmark's own
    output = process.stdout.read() if process.stdout else b""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Cost(time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output)
