"""Letting go of every inherited descriptor: whoever reads from tbot's pipes must see their end when tbot ends."""

from __future__ import annotations

import os

_FIRST_AFTER_STDIO = 3
_HIGHEST = 65536  # where the open ones cannot be listed; far above the usual limits, and closed within milliseconds


def close_inherited_fds() -> bool:
    """Close all descriptors, and open stdin, stdout and stderr again on the null device.

    Returns:
        False if there is no such device: then these remain closed, and nothing must be written to them.
    """
    _close_all()
    try:
        null = os.open(os.devnull, os.O_RDWR)  # comes out as 0, the lowest that is free
    except OSError:
        return False
    for number in range(null + 1, _FIRST_AFTER_STDIO):
        os.dup2(null, number)
    return True


def _close_all() -> None:
    for folder in ("/proc/self/fd", "/dev/fd"):  # Linux, macOS
        try:
            numbers = [int(name) for name in os.listdir(folder)]  # noqa: PTH208  pathlib is far too much here
        except OSError:
            continue
        for number in numbers:
            # One by one: these include the one that listed them, which is closed by now.
            os.closerange(number, number + 1)
        return
    os.closerange(0, _HIGHEST)
