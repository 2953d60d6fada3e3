"""What the commands say, and how they end: one line at a time on stderr, results alone on stdout."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Literal, NoReturn, TextIO

from otel_tbot.stderr import one_line

PROGRAM = "otel-tbot"

# Exit statuses, the same for every command.
OK = 0
FAILED = 1
BAD_INPUT = 2

_STDERR = 2


def fill_closed_streams() -> None:
    """Put /dev/null where a standard stream is closed: else the next socket takes its number, and gets our words.

    Python has None for such a stream, which not every library expects.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    os.close(descriptor)
    sys.stdin = sys.stdin or _reopened(0, "r")
    sys.stdout = sys.stdout or _reopened(1, "w")
    sys.stderr = sys.stderr or _reopened(_STDERR, "w")


def _reopened(descriptor: int, mode: Literal["r", "w"]) -> TextIO:
    return open(descriptor, mode, encoding="utf-8", errors="replace", closefd=False)


def write_line(line: str) -> None:
    """Print one line on stderr, under the program's name."""
    with suppress(OSError):  # a full disk or a reader that left
        print(f"{PROGRAM}: {one_line(line)}", file=sys.stderr, flush=True)


def flush_stdout() -> None:
    """Write what was printed on stdout.

    Raises:
        OSError: it could not be written.
    """
    sys.stdout.flush()


def exit_now(status: int) -> NoReturn:
    """End the process at once: all is said, sent and closed.

    To take the interpreter apart with all that OpenTelemetry loads takes a tenth of an `emit`, and would meet the
    threads of libraries that are stuck in a network.
    """
    with suppress(OSError):  # then it has been said already
        flush_stdout()
    os._exit(status)
