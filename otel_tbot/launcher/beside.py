"""With consent: puts the sender beside tbot, and says so in one line."""

from __future__ import annotations

import os
import time

from otel_tbot.launcher.deadline import GRACE, seconds_to_deliver
from otel_tbot.launcher.notice import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_tbot.launcher.arguments import Arguments

_INIT = 1  # the process whose end is the end of its whole container
_NOTICE = (
    "reporting this start of tbot anonymously because TELEPORT_ANONYMOUS_TELEMETRY is 1; "
    "0 turns it off, and 'otel-tbot preview' in place of 'otel-tbot run' shows what is sent"
)


def beside(path: str, arguments: Arguments) -> int | None:
    """Have the start reported.

    Returns:
        The exit status, if tbot has run and ended as our child. None if this process is to turn into it.
    """
    seconds = seconds_to_deliver(arguments)
    lifetime = seconds + GRACE
    until = time.monotonic() + lifetime

    def work() -> None:
        from otel_tbot.launcher.report import report  # noqa: PLC0415  loaded by the sender alone

        report(arguments, seconds, until)

    if arguments.supervise or os.getpid() == _INIT:
        from otel_tbot.launcher.sender import spawn  # noqa: PLC0415  one of two ways
        from otel_tbot.launcher.supervise import supervise  # noqa: PLC0415

        try:
            return supervise(path, arguments.command, lambda: _announced(lambda: spawn(work, lifetime)), until)
        except OSError as error:
            _not_reported(error)
            return None
    from otel_tbot.launcher.detach import detach  # noqa: PLC0415  the other

    _announced(lambda: detach(work, lifetime))
    return None


def _announced(start: Callable[[], int]) -> int:
    """Start the sender, and say what has come of it. Return its pid, 0 if there is none."""
    try:
        pid = start()
    except OSError as error:
        _not_reported(error)
        return 0
    say(_NOTICE)
    return pid


def _not_reported(error: OSError) -> None:
    say(f"this start of tbot is not reported: no process could be started for it ({error.strerror})")
