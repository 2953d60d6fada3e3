"""With consent: puts the sender beside tbot, and says so in one line."""

from __future__ import annotations

import os
import time

from otel_tbot.errors import SettingsError
from otel_tbot.stderr import write_line
from otel_tbot.timeout import DEFAULT_TIMEOUT, otlp_variable, parse_timeout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_tbot.launcher.arguments import Arguments

# Seconds on top of the delivery's timeout: to start, to read tbot's configuration and to load OpenTelemetry. Less than
# the one second by which a sender may outlive its deadline.
GRACE = 0.9
_INIT = 1  # the process whose end is the end of its whole container
_NOTICE = (
    "reporting this start of tbot anonymously because TELEPORT_ANONYMOUS_TELEMETRY is 1; "
    "0 turns it off, and 'otel-tbot preview' in place of 'otel-tbot run' shows what is sent"
)


def start_reporting(path: str, arguments: Arguments) -> int | None:
    """Have the start reported.

    Returns:
        The exit status, if tbot has run and ended as our child. None if this process is to turn into it.
    """
    seconds = delivery_timeout(arguments)
    lifetime = seconds + GRACE
    until = time.monotonic() + lifetime

    def work() -> None:
        from otel_tbot.launcher.worker import report  # noqa: PLC0415  loaded by the sender alone

        report(arguments, seconds, until)

    if arguments.supervise or os.getpid() == _INIT:
        from otel_tbot.launcher.sender import spawn  # noqa: PLC0415  one of two ways
        from otel_tbot.launcher.supervise import supervise  # noqa: PLC0415

        try:
            return supervise(path, arguments.command, lambda: _announced(lambda: spawn(work, lifetime)), until)
        except OSError as error:
            _not_reported(error)
            return None
    from otel_tbot.launcher.sender import detach  # noqa: PLC0415  the other

    _announced(lambda: detach(work, lifetime))
    return None


def _announced(start: Callable[[], int]) -> int:
    """Start the sender, and say what has come of it. Return its pid, 0 if there is none."""
    try:
        pid = start()
    except OSError as error:
        _not_reported(error)
        return 0
    write_line(_NOTICE)
    return pid


def _not_reported(error: OSError) -> None:
    write_line(f"this start of tbot is not reported: no process could be started for it ({error.strerror})")


def delivery_timeout(arguments: Arguments) -> float:
    """Return the timeout of the delivery in seconds.

    A value that the delivery refuses counts as unset: then nothing is sent, and the sender ends by itself.
    """
    if arguments.timeout is not None:
        return arguments.timeout
    signal = arguments.signal or os.environ.get("OTEL_TBOT_SIGNAL") or "logs"
    value, name = otlp_variable(signal, "timeout", os.environ)
    try:
        return parse_timeout(value, name) if value else DEFAULT_TIMEOUT
    except SettingsError:
        return DEFAULT_TIMEOUT
