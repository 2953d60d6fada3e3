"""Room for gRPC: its C library ends the whole process where the system refuses it a descriptor or a thread."""

from __future__ import annotations

import mmap
import os
from contextlib import ExitStack

from otel_tbot.errors import SettingsError

_DESCRIPTORS = 8  # before it sends anything it opens five
# It starts a thread for each processor, within these limits, and two of its own; one is to spare.
_FEWEST_THREADS, _MOST_THREADS, _FURTHER_THREADS = 4, 16, 3
# Bytes of address space that a thread takes: 8 MiB for its stack, and 64 MiB in which glibc keeps what it allocates.
_THREAD = 72 * 1024 * 1024


def require_room() -> None:
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
