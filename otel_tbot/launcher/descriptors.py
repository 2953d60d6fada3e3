"""Closes every inherited descriptor: a reader of tbot's pipes must see their end when tbot ends."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_FIRST_NON_STDIO_FD = 3
_MAX_FD = 65536  # where open descriptors cannot be listed; far above the usual limits, and closed within milliseconds


def close_inherited_fds(keep: Collection[int] = ()) -> bool:
    """Close all descriptors and reopen stdin, stdout and stderr on the null device.

    Args:
        keep: the descriptors to leave unchanged.

    Returns:
        False if there is no null device: then they remain closed, and must not be written to.
    """
    _close_all(keep)
    for number in range(_FIRST_NON_STDIO_FD):
        if number not in keep:
            try:
                os.open(os.devnull, os.O_RDWR)  # gets this number, the lowest that is free
            except OSError:
                return False
    return True


def _close_all(keep: Collection[int]) -> None:
    for folder in ("/proc/self/fd", "/dev/fd"):  # Linux, macOS
        try:
            numbers: Iterable[int] = [int(name) for name in os.listdir(folder)]  # noqa: PTH208  pathlib is far too much here
        except OSError:
            continue
        break
    else:
        numbers = range(_MAX_FD)
    for number in numbers:
        # The call that ignores errors, because the list includes its own descriptor, which is already closed.
        if number not in keep:
            os.closerange(number, number + 1)
