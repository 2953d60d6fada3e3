"""What may be printed while an event is sent: the one line that is ours, and what gRPC's C library prints by itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.promises.faults_backends import Protocol

# Level and day, time, thread, and the line of C++ that speaks. Only `GRPC_VERBOSITY` turns it off, and a library must
# not set it: the environment is the host's.
_FROM_C = re.compile(r"[DIWEF]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ \w+\.(cc|h):\d+\] .+")


def lines_of_python(errors: str, protocol: Protocol) -> list[str]:
    """Return the lines on stderr, over gRPC without those that come from its C library."""
    lines = errors.splitlines()
    return [line for line in lines if not _FROM_C.fullmatch(line)] if protocol == "grpc" else lines
