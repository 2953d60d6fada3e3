"""gRPC beside forks: in a child of a process that has used it, its C library can stand still for ever, or crash.

It stands still with Python's own lock in its hands, so that no deadline ends it. So such a child does not use it.
"""

from __future__ import annotations

import mmap
import os
from contextlib import ExitStack

from otel_tbot.errors import SettingsError

# DOC: """Room for gRPC: its C library ends the whole process where the system refuses it a descriptor or a thread."""


_used = False
_used_by_parent = False


def require_not_forked() -> None:
    """Note that gRPC is used from here on. To be called before it is loaded.

    Raises:
        SettingsError: it was used before this process was forked.
    """
    global _used  # noqa: PLW0603  it is the process that uses it
    if _used_by_parent:
        message = "the protocol grpc cannot be used in a process forked after its parent used it: use http/protobuf"
        raise SettingsError(message)
    _used = True


def _reset_after_fork() -> None:
    global _used_by_parent  # noqa: PLW0603  see above
    _used_by_parent = _used


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_reset_after_fork)

_DESCRIPTORS = 8  # before it sends anything it opens five
# It starts a thread for each processor, within these limits, and two of its own; one is to spare.
_FEWEST_THREADS, _MOST_THREADS, _FURTHER_THREADS = 4, 16, 3
# Bytes of address space that a thread takes: 8 MiB for its stack, and 64 MiB in which glibc keeps what it allocates.
_THREAD = 72 * 1024 * 1024


def require_resources() -> None:
    """Find out by trying, since nothing tells how much of a limit is used up.

    A thread is not tried: what glibc gives it remains taken, and may be the last that the host has.

    Raises:
        SettingsError: gRPC could get too little.
    """
    try:
        _open_descriptors()
        if os.name == "posix":  # Windows has no limit of this kind
            _map_memory()
    except OSError:
        message = "the protocol grpc needs more descriptors or memory than this process may have: use http/protobuf"
        raise SettingsError(message) from None


def _open_descriptors() -> None:
    with ExitStack() as opened:
        for _ in range(_DESCRIPTORS):
            opened.callback(os.close, os.open(os.devnull, os.O_RDONLY))


def _map_memory() -> None:
    threads = min(max(os.cpu_count() or 1, _FEWEST_THREADS), _MOST_THREADS) + _FURTHER_THREADS
    # Private, and never to be written to: the system sets no memory aside for it.
    mmap.mmap(-1, threads * _THREAD, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=mmap.PROT_READ).close()
