"""Writes the outcome of a report for a caller that requested it: one line of JSON with `status` and `reason`."""

from __future__ import annotations

from otel_tbot.stderr import write_line, write_nonblocking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

NO_RESULT = "its sender left no result"
_MAX_REASON = 300  # characters: even escaped, a pipe accepts them at once (POSIX, PIPE_BUF; 4096 bytes on Linux)


def write_outcome(descriptors: Iterable[int], status: str, reason: str = "") -> None:
    """Write one line to each descriptor that accepts it at once.

    Args:
        descriptors: the descriptors to write to.
        status: `sent`, `off` or `failed`, as in `otel_tbot.Outcome`.
        reason: why; empty when sent.
    """
    descriptors = [*descriptors]
    if not descriptors:
        return
    import json  # noqa: PLC0415  only if the outcome was requested

    line = json.dumps({"status": status, "reason": reason[:_MAX_REASON]}) + "\n"
    for descriptor in descriptors:
        write_nonblocking(descriptor, line.encode())


def write_failure(reason: str) -> None:
    """Print that the start was not reported, as tbot's parent does after tbot's end."""
    write_line(f"this start of tbot was not reported: {reason}")
