"""With consent: starts the sender in the background, and prints one notice line."""

from __future__ import annotations

import os
import sys
import time

from otel_tbot.errors import SettingsError
from otel_tbot.launcher.cgroup import read_room
from otel_tbot.stderr import write_line
from otel_tbot.timeout import DEFAULT_TIMEOUT, otlp_variable, parse_timeout_variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_tbot.launcher.arguments import Arguments

# Seconds on top of the delivery's timeout: to start, to read tbot's configuration and to load OpenTelemetry. Less than
# the one second by which a sender may outlive its deadline.
GRACE = 0.9
# What a sender needs, measured in docs/reference/limits.md, with `tbot version`, which it runs, and tbot's own start.
_MIN_MEMORY = 64 * 1024 * 1024  # bytes
_MIN_TASKS = 32
_PAUSE = 1.0  # seconds for which tbot has a limited CPU to itself
_MAX_LIFE = 30.0  # seconds: what the end of a unit or a container may have to wait for
_INIT_PID = 1  # the end of this process is the end of its container
NOTICE = (
    "reporting this start of tbot anonymously because TELEPORT_ANONYMOUS_TELEMETRY is 1; "
    "0 turns it off, and 'otel-tbot preview' in place of 'otel-tbot run' shows what is sent"
)


def start_reporting(path: bytes, command: list[bytes], arguments: Arguments) -> int | None:
    """Start the sender; as process 1 or with `--supervise`, start tbot as a child first and wait for both.

    Args:
        path: tbot's executable.
        command: tbot's command line.
        arguments: the arguments of `run`.

    Returns:
        tbot's exit status, if it has run as our child. None if this process is to exec tbot.
    """
    room = read_room()
    if room.memory < _MIN_MEMORY or room.tasks < _MIN_TASKS:
        write_line(
            "this start of tbot is not reported: its control group has less than "
            f"{_MIN_MEMORY // 1024 // 1024} MiB of memory or {_MIN_TASKS} tasks left"
        )
        return None
    pause = _PAUSE if room.cpu_limited else 0.0
    timeout = delivery_timeout(arguments)
    lifetime = pause + timeout + GRACE
    deadline = time.monotonic() + lifetime

    def work() -> None:
        time.sleep(pause)
        from otel_tbot.launcher.worker import report  # noqa: PLC0415  loaded in the sender only

        report(arguments, timeout, deadline)

    if arguments.supervise or os.getpid() == _INIT_PID or _ends_with_this_process():
        # One of two ways.
        from otel_tbot.launcher.sender import spawn  # noqa: PLC0415
        from otel_tbot.launcher.supervise import supervise  # noqa: PLC0415

        try:
            return supervise(path, command, lambda: _start_with_notice(spawn, work, lifetime), deadline)
        except OSError as error:
            write_not_reported(error)
            return None
    from otel_tbot.launcher.sender import detach  # noqa: PLC0415  the other way

    _start_with_notice(detach, work, lifetime)
    return None


def _ends_with_this_process() -> bool:
    """Return whether the sender would lose its modules at the end of this process."""
    if not getattr(sys, "frozen", False):
        return False
    from otel_tbot.frozen import is_unpacked  # noqa: PLC0415  in no other program

    return is_unpacked()


def _start_with_notice(
    start: Callable[[Callable[[], object], float], int], work: Callable[[], object], lifetime: float
) -> int:
    """Start the sender and print whether it was started. Return its pid; 0 if it is not a child, or none."""
    try:
        pid = start(work, lifetime)
    except OSError as error:
        write_not_reported(error)
        return 0
    write_line(NOTICE)
    return pid


def write_not_reported(error: OSError) -> None:
    """Say that there is no sender, and why."""
    write_line(f"this start of tbot is not reported: no process could be started for it ({error.strerror})")


def delivery_timeout(arguments: Arguments) -> float:
    """Return the timeout of the delivery in seconds: however long it may be, the sender lives no longer than 30.

    A value that the delivery refuses counts as unset: then nothing is sent, and the sender ends by itself.
    """
    return min(_chosen_timeout(arguments), _MAX_LIFE)


def _chosen_timeout(arguments: Arguments) -> float:
    if arguments.timeout is not None:
        return arguments.timeout
    signal = arguments.signal or os.environ.get("OTEL_TBOT_SIGNAL") or "logs"
    value, name = otlp_variable(signal, "timeout", os.environ)
    try:
        return parse_timeout_variable(value, name)[0] if value else DEFAULT_TIMEOUT
    except SettingsError:
        return DEFAULT_TIMEOUT
