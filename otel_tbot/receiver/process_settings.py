"""Settings of the receiver's process: the garbage collector and the limit on open files.

Nearly everything that the receiver allocates is freed by reference counting, and every collection delays all clients.
"""

from __future__ import annotations

import gc
import resource

from otel_tbot.errors import SettingsError

# The thresholds of gc.set_threshold. Python's defaults are about 700, 10 and 10.
_GC_THRESHOLDS = (50_000, 20, 50)


def relax_gc() -> None:
    """Exempt what is loaded from garbage collection, and collect the rest less often."""
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)


# Descriptors for listeners, pipes, the log and a new exporter process. With 900 connections, and those that are
# rejected, this adds up to the usual limit of 1024.
_OWN_FDS = 44


def require_open_files(connections: int) -> None:
    """Raise the limit on open files where needed and allowed.

    Args:
        connections: how many connections may be open.

    Raises:
        SettingsError: the hard limit of this process is too low.
    """
    needed = connections + _OWN_FDS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        message = (
            f"--max-connections needs {needed} open files, but this process may have only {hard}: lower it, "
            "or raise that limit (ulimit -Hn, LimitNOFILE=)"
        )
        raise SettingsError(message)
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
