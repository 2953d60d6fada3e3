"""One line on stderr without delay or error, and never into a file that is not stderr."""

from __future__ import annotations

import os
import select
import sys

_STDERR = 2


def write_line(line: str) -> None:
    """Print one line under the program's name, if stderr accepts it at once."""
    # None if it was closed from the start. Its number may by now belong to another file.
    if sys.stderr is None:
        return
    write_nonblocking(_STDERR, f"otel-tbot: {one_line(line)}\n".encode(sys.stderr.encoding, "backslashreplace"))


def write_nonblocking(descriptor: int, line: bytes) -> None:
    """Write a line if it can be written without waiting; otherwise do nothing."""
    try:
        # A full pipe or a stopped terminal would block us, and tbot with us. Without `poll` (Windows), the system
        # reports this only for sockets; but there, tbot is already running.
        if not hasattr(select, "poll") or select.select([], [descriptor], [], 0)[1]:
            os.write(descriptor, line)
    except (OSError, ValueError):
        return  # the reader is gone, or the number is larger than select(2) allows


def one_line(text: str) -> str:
    """Return a text on one line, all of it printable."""
    line = " ".join(text.split())
    # It may contain a path of the user's, with bytes that are not text, or with escape sequences.
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in line)
