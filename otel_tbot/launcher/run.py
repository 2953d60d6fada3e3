"""`otel-tbot run`: the steps and their order. No failure here keeps tbot from running."""

from __future__ import annotations

import os

from otel_tbot.launcher.arguments import UsageError, parse
from otel_tbot.launcher.execute import CannotExecuteError, execute, locate, original_bytes
from otel_tbot.launcher.interpreter_state import restore_default_sigint
from otel_tbot.opt_in import consent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from otel_tbot.launcher.arguments import Arguments

_BAD_USAGE = 2


def run(words: list[str]) -> int | None:
    """Exec tbot, or stay as its parent; with consent, send the event in the background.

    On Windows, where a process cannot exec another, it always stays, and exits itself.

    Args:
        words: the arguments after `otel-tbot run`.

    Returns:
        The exit status if this process did not exec tbot: a shell's 126 or 127, tbot's under supervision, 2 after a
        usage error. None if help is requested.
    """
    restore_default_sigint()
    try:
        arguments = parse(words)
        if arguments.help:
            return None
        if not hasattr(os, "fork"):
            from otel_tbot.launcher.without_fork import run_as_parent  # noqa: PLC0415  on Windows only

            run_as_parent(words, arguments)
        command = original_bytes(arguments.command)
        path = locate(command[0])
        status = _report_start(path, command, arguments)
        if status is not None:
            return status
        execute(path, command)
    except UsageError as error:
        return _fail(f"{error} See 'otel-tbot run --help'.", _BAD_USAGE)
    except CannotExecuteError as error:
        return _fail(str(error), error.status)


def _report_start(path: bytes, command: list[bytes], arguments: Arguments) -> int | None:
    """Report the start, or why it is not reported. Return tbot's exit status if it ran under supervision."""
    decision = consent()
    if not decision.on and not decision.tbot_would_accept and not arguments.outcome_fds:
        return None
    try:
        # Loaded only if there is something to do or to report.
        from otel_tbot.launcher.subcommand_check import is_start  # noqa: PLC0415

        if not is_start(arguments.command):
            _write_outcome(arguments, "off", "the tbot command is not start")
        elif decision.on:
            from otel_tbot.launcher.start_sender import launch_sender  # noqa: PLC0415

            return launch_sender(path, command, arguments)
        else:
            _write_outcome(arguments, "off", decision.reason)
            if decision.tbot_would_accept:
                _write(f"this start of tbot is not reported: {decision.reason}")
    except Exception as error:  # noqa: BLE001  tbot has not run yet and must
        _write_outcome(arguments, "failed", f"internal error ({type(error).__name__})")
    return None


def _write_outcome(arguments: Arguments, status: str, reason: str) -> None:
    if not arguments.outcome_fds:
        return
    from otel_tbot.launcher.outcome_fd import write_outcome  # noqa: PLC0415  only if the outcome was requested

    write_outcome(arguments.outcome_fds, status, reason)


def _fail(message: str, status: int) -> int:
    _write(message)
    return status


def _write(line: str) -> None:
    from otel_tbot.stderr import write_line  # noqa: PLC0415  only if there is something to print

    write_line(line)
