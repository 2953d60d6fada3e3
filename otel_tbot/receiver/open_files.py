"""The limit on open files, of which each connection is one: raised as far as is needed, where that is allowed."""

from __future__ import annotations

import resource

from otel_tbot.errors import SettingsError

# Listeners, pipes, the log, and a new exporting process; with 900 connections, and those that are refused, the usual
# limit of 1024.
_OUR_OWN = 44


def allow(connections: int) -> None:
    """See to it that so many connections can be open.

    Raises:
        SettingsError: this process may not have so many files.
    """
    needed = connections + _OUR_OWN
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        message = (
            f"--max-connections takes {needed} open files, and this process may have {hard}: ask for fewer, "
            "or raise that limit (ulimit -Hn, LimitNOFILE=)"
        )
        raise SettingsError(message)
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
