"""How commands print and exit: results on stdout, everything else on stderr, one line at a time."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import Literal, NoReturn, TextIO

from otel_tbot.stderr import one_line

PROGRAM = "otel-tbot"

# Exit statuses, the same for every command.
OK = 0
FAILED = 1
BAD_INPUT = 2

_STDERR = 2


def fill_closed_streams() -> None:
    """Open /dev/null where a standard stream is closed: otherwise the next socket would get its number, and our output.

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


def escape_unencodable() -> None:
    """Make stdout and stderr escape characters that their encoding lacks, instead of raising an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def write_line(line: str) -> None:
    """Print one line on stderr, under the program's name."""
    with suppress(OSError):  # a full disk or a closed pipe
        print(f"{PROGRAM}: {one_line(line)}", file=sys.stderr, flush=True)


def flush_stdout() -> None:
    """Write what was printed on stdout.

    Raises:
        OSError: it could not be written.
    """
    sys.stdout.flush()


def exit_now(status: int) -> NoReturn:
    """Exit at once, without the interpreter's shutdown.

    With all that OpenTelemetry loads, the shutdown takes a tenth of an `emit`, and would wait for threads of libraries
    that are stuck in a network.
    """
    with suppress(OSError):  # reported already
        flush_stdout()
    os._exit(status)


def silence_libraries() -> None:
    """Keep the libraries of this process from writing to stderr, where the command prints its one line.

    Python's logging and gRPC's C library have no other switches than these two, which affect the whole process. Only a
    command that is about to exit may call this.
    """
    logging.disable()
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
