"""What the commands say, and how they end: one line at a time on stderr, results alone on stdout."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from otel_tbot.launcher.notice import one_line

PROGRAM = "otel-tbot"

# Exit statuses, the same for every command.
OK = 0
FAILED = 1
BAD_INPUT = 2

_STDERR = 2


def fill_closed_streams() -> None:
    """Put /dev/null where a standard stream is closed: else the next socket takes its number, and gets our words."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    os.close(descriptor)


def say(line: str) -> None:
    """Print one line on stderr, under the program's name."""
    if sys.stderr is None:  # closed by whoever started us; print() would take stdout instead
        return
    with suppress(OSError):  # a full disk or a reader that left
        print(f"{PROGRAM}: {one_line(line)}", file=sys.stderr, flush=True)
