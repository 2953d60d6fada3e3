"""One line on stderr, at no cost to tbot: neither a wait nor an error, and never into a file that is not stderr."""

from __future__ import annotations

import os
import select
import sys

_STDERR = 2


def write_line(line: str) -> None:
    """Print one line under the program's name, if stderr takes it at once."""
    # None if it was closed from the start. Then its number may by now be another file's.
    if sys.stderr is None:
        return
    try:
        # A full pipe or a halted terminal would make us wait, and tbot with us.
        if select.select([], [_STDERR], [], 0)[1]:
            os.write(_STDERR, f"otel-tbot: {one_line(line)}\n".encode())
    except OSError:
        return


def one_line(text: str) -> str:
    """Return a text on one line, all of it printable."""
    line = " ".join(text.split())
    # It may repeat a path of the user's, with bytes that are no text, or with a terminal's commands.
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in line)
