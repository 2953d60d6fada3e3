"""Whether this process may use gRPC: its C library can hang or crash after a fork, and where resources are short."""

from __future__ import annotations

import mmap
import os
import sys
from contextlib import ExitStack

from otel_tbot.errors import SettingsError

_DESCRIPTORS = 8  # gRPC opens five before it sends anything
# gRPC starts one thread per processor within these limits, and two of its own; one is spare.
_MIN_THREADS, _MAX_THREADS, _EXTRA_THREADS = 4, 16, 3
# Bytes of address space per thread: 8 MiB for its stack, and 64 MiB for glibc's allocator.
_THREAD_BYTES = 72 * 1024 * 1024

_used = False
_used_by_parent = False


def require_not_forked() -> None:
    """Note that gRPC is used from here on. Must be called before gRPC is loaded.

    In a child of a process that used gRPC, its C library can hang with Python's lock held, so that no deadline ends
    it. Such a child does not use gRPC.

    Raises:
        SettingsError: gRPC was used before this process was forked.
    """
    global _used  # noqa: PLW0603  the process uses it, not an object
    if _used_by_parent:
        message = "the protocol grpc cannot be used in a process forked after its parent used it: use http/protobuf"
        raise SettingsError(message)
    _used = True


def _reset_after_fork() -> None:
    global _used_by_parent  # noqa: PLW0603  the process is forked, not an object
    _used_by_parent = _used


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_reset_after_fork)


def require_resources() -> None:
    """Check by trying that gRPC can get the descriptors and the memory it needs: without them it ends the process.

    Nothing reports how much of a limit is left. No thread is tried: the memory that glibc gives it would stay
    allocated, and may be the last that the host can get.

    Raises:
        SettingsError: gRPC could get too little.
    """
    try:
        _open_descriptors()
        _map_memory()
    except OSError:
        message = "the protocol grpc needs more descriptors or memory than this process may have: use http/protobuf"
        raise SettingsError(message) from None


def _open_descriptors() -> None:
    with ExitStack() as opened:
        for _ in range(_DESCRIPTORS):
            opened.callback(os.close, os.open(os.devnull, os.O_RDONLY))


def _map_memory() -> None:
    if sys.platform != "win32":  # it has no limit of this kind
        threads = min(max(os.cpu_count() or 1, _MIN_THREADS), _MAX_THREADS) + _EXTRA_THREADS
        # Private and never written to, so that the system reserves no memory for it.
        private = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        mmap.mmap(-1, threads * _THREAD_BYTES, flags=private, prot=mmap.PROT_READ).close()
