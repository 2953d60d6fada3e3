"""The outcome of a report for whoever asked: one line of JSON, `{"status": ..., "reason": ...}`, on a descriptor."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_MAX_REASON = 300  # characters: escaped, they fit into what a pipe takes at once (POSIX, PIPE_BUF; 4096 bytes on Linux)


def write_outcome(descriptors: Iterable[int], status: str, reason: str = "") -> None:
    """Write one line, where it can be written at once.

    Args:
        descriptors: where to.
        status: `sent`, `off` or `failed`, as `otel_tbot.Outcome` has it.
        reason: why; empty when sent.
    """
    descriptors = [*descriptors]
    if not descriptors:
        return
    import json  # noqa: PLC0415  only where somebody asked

    line = json.dumps({"status": status, "reason": reason[:_MAX_REASON]}) + "\n"
    for descriptor in descriptors:
        _write_at_once(descriptor, line.encode())


def _write_at_once(descriptor: int, line: bytes) -> None:
    import select  # noqa: PLC0415  only where somebody asked

    try:
        # A full pipe would block whoever writes.
        if select.select([], [descriptor], [], 0)[1]:
            os.write(descriptor, line)
    except (OSError, ValueError):
        return  # the reader has gone, or the number is larger than select(2) takes
