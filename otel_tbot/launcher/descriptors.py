"""Closes every inherited descriptor: a reader of tbot's pipes must see their end when tbot ends."""

from __future__ import annotations

import os

_FIRST_NON_STDIO_FD = 3
_MAX_FD = 65536  # where open descriptors cannot be listed; far above the usual limits, and closed within milliseconds


def close_inherited_fds() -> bool:
    """Close all descriptors and reopen stdin, stdout and stderr on the null device.

    Returns:
        False if there is no null device: then they remain closed, and nothing may be written to them.
    """
    _close_all()
    try:
        null = os.open(os.devnull, os.O_RDWR)  # comes out as 0, the lowest that is free
    except OSError:
        return False
    for number in range(null + 1, _FIRST_NON_STDIO_FD):
        os.dup2(null, number)
    return True


def _close_all() -> None:
    for folder in ("/proc/self/fd", "/dev/fd"):  # Linux, macOS
        try:
            numbers = [int(name) for name in os.listdir(folder)]  # noqa: PTH208  pathlib is far too much here
        except OSError:
            continue
        for number in numbers:
            # One by one: they include the descriptor that listed them, which is closed already.
            os.closerange(number, number + 1)
        return
    os.closerange(0, _MAX_FD)
