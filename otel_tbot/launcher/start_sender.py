"""With consent: starts the sender in the background, and prints one notice line."""

from __future__ import annotations

import os
import sys
import time

from otel_tbot.errors import SettingsError
from otel_tbot.launcher.cgroup_limits import read_headroom
from otel_tbot.launcher.container_main_process import is_container_main_process
from otel_tbot.launcher.outcome_fd import write_outcome
from otel_tbot.launcher.precheck import chosen_signal, unusable_reason
from otel_tbot.launcher.version_format import UNUSABLE, is_version
from otel_tbot.stderr import write_line
from otel_tbot.timeout import DEFAULT_TIMEOUT, otlp_variables, parse_timeout_variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_tbot.launcher.arguments import Arguments
    from otel_tbot.launcher.sender import Task

# Seconds in addition to the delivery's timeout: to start, to read tbot's configuration and to load OpenTelemetry. Less
# than the one second by which a sender may outlive its deadline.
GRACE = 0.9
# What a sender needs, measured in docs/reference/limits.md, including `tbot version`, which it runs, and tbot's start.
_MIN_MEMORY = 64 * 1024 * 1024  # bytes
_MIN_TASKS = 32
_PAUSE = 1.0  # seconds for which tbot has a limited CPU to itself
_MAX_LIFE = 30.0  # seconds that the end of a unit or a container may have to wait
NOTICE = (
    "reporting this start of tbot anonymously because TELEPORT_ANONYMOUS_TELEMETRY is 1; "
    "0 turns it off, and 'otel-tbot preview' in place of 'otel-tbot run' shows what is sent"
)


def launch_sender(path: bytes, command: list[bytes], arguments: Arguments) -> int | None:
    """Start the sender; first in a container or with `--supervise`, start tbot as a child first and wait for both.

    Args:
        path: tbot's executable.
        command: tbot's command line.
        arguments: the arguments of `run`.

    Returns:
        tbot's exit status, if it has run as our child. None if this process must exec tbot.
    """
    headroom = read_headroom()
    if headroom.memory < _MIN_MEMORY or headroom.tasks < _MIN_TASKS:
        reason = (
            f"its control group has less than {_MIN_MEMORY // 1024 // 1024} MiB of memory or {_MIN_TASKS} tasks left"
        )
    else:
        reason = unusable_reason(arguments)
    if reason:
        write_not_reported(arguments, reason)
        return None
    if arguments.tbot_version and not is_version(arguments.tbot_version):
        write_line(UNUSABLE)
    # Not at the top: the parts of this module that Windows uses work without it.
    from otel_tbot.launcher.sender import Task, detach, spawn  # noqa: PLC0415

    pause = _PAUSE if headroom.cpu_limited else 0.0
    timeout = delivery_timeout(arguments)
    lifetime = pause + timeout + GRACE
    deadline = time.monotonic() + lifetime

    def start(how: Callable[[Task], int], *outcome_fds: int) -> int:
        """Start the sender and print whether it was started. Return its pid; 0 if it is not a child, or none."""

        def work() -> None:
            time.sleep(pause)
            from otel_tbot.launcher.worker import report  # noqa: PLC0415  only loaded in the sender

            outcome = report(arguments, timeout, deadline)
            write_outcome(outcome_fds, outcome.status, outcome.reason)

        try:
            pid = how(Task(work, lifetime, outcome_fds))
        except OSError as error:
            write_not_reported(arguments, sender_not_started(error))
            return 0
        write_line(NOTICE)
        return pid

    if arguments.supervise or is_container_main_process() or _needs_this_process():
        from otel_tbot.launcher.supervise import supervise  # noqa: PLC0415  one of two ways

        try:
            return supervise(path, command, lambda pipe: start(spawn, *pipe, *arguments.outcome_fds), deadline)
        except OSError as error:
            write_not_reported(arguments, sender_not_started(error))
            return None
    start(detach, *arguments.outcome_fds)
    return None


def write_not_reported(arguments: Arguments, reason: str) -> None:
    """Report that nothing is sent, and why."""
    write_line(f"this start of tbot is not reported: {reason}")
    write_outcome(arguments.outcome_fds, "failed", reason)


def sender_not_started(error: OSError) -> str:
    """Return the reason for a sender that cannot be started."""
    return f"no process could be started for it ({error.strerror})"


def _needs_this_process() -> bool:
    """Return whether the sender would lose its modules at the end of this process."""
    if not getattr(sys, "frozen", False):
        return False
    from otel_tbot.frozen_program import is_one_file  # noqa: PLC0415  in no other program

    return is_one_file()


def delivery_timeout(arguments: Arguments) -> float:
    """Return the timeout of the delivery in seconds, at most 30, so that the sender does not live longer.

    A variable that cannot be parsed counts as unset, as it does for the delivery.
    """
    return min(_chosen_timeout(arguments), _MAX_LIFE)


def _chosen_timeout(arguments: Arguments) -> float:
    if arguments.timeout is not None:
        return arguments.timeout
    for value, name in otlp_variables(chosen_signal(arguments), "timeout", os.environ):
        try:
            return parse_timeout_variable(value, name)[0]
        except SettingsError:  # noqa: PERF203  at most two
            continue
    return DEFAULT_TIMEOUT
