"""Garbage: what a receiver leaves is freed at once, all but a little, so looking for more is worth it seldom.

Python looks through all objects now and then, and everybody who waits for an answer waits for that too.
"""

from __future__ import annotations

import gc
import resource

from otel_tbot.errors import SettingsError

# DOC: """The limit on open files, of which each connection is one: raised as far as is needed, where that is allowed."""


# Objects made and not yet freed before the young ones are looked through, and how often that happens before the older
# and the oldest are. Python's own are 700, 10 and 10, or close to that.
_THRESHOLDS = (50_000, 20, 50)


def collect_seldom() -> None:
    """Leave alone what is loaded by now, and look through the rest less often."""
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)


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
