"""Find what two messages have in common apart from constants: runs of eight bytes in both and in no constant.

A UUID in text form is read as its 16 bytes first: eight of its 36 characters encode only four bytes, which two ids
may share by chance. For eight bytes, that probability is 10^-17.
"""

from __future__ import annotations

import re
import uuid
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LENGTH = 8  # bytes
_UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def with_short_ids(message: bytes) -> bytes:
    """Return a message in which each UUID is replaced by its 16 bytes."""
    return _UUID.sub(lambda match: uuid.UUID(match[0].decode()).bytes, message)


def runs(message: bytes) -> set[bytes]:
    """Return all runs of eight bytes in a message."""
    return {message[at : at + LENGTH] for at in range(len(message) - LENGTH + 1)}


def without(message: bytes, constants: Iterable[bytes]) -> list[bytes]:
    """Return the pieces of a message that remain without what it shares with the constants."""
    known = set().union(*map(runs, constants))
    marks = bytearray(b"?" * len(message))
    for at in range(len(message) - LENGTH + 1):
        if message[at : at + LENGTH] in known:
            marks[at : at + LENGTH] = b"." * LENGTH
    return [message[slice(*match.span())] for match in re.finditer(rb"\?+", marks)]


def shared(messages: Sequence[Sequence[bytes]]) -> list[bytes]:
    """Return every run that the pieces of any two messages have in common."""
    of_each = [set().union(*map(runs, pieces)) for pieces in messages]
    return sorted(set().union(*(one & other for one, other in combinations(of_each, 2))))
