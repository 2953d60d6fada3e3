"""`run` where a process cannot fork or replace itself (Windows): tbot and the sender are ordinary children.

tbot is started first, with the streams and in the console of this process, which waits for it and exits with its exit
status. Starting a sender there needs nothing else from `otel_tbot.launcher`: it shares no number, group or descriptors
with another process.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from otel_tbot.isolated_python import python_command
from otel_tbot.launcher.arguments import UsageError, parse
from otel_tbot.launcher.execute import FOUND_BUT_NOT_EXECUTABLE, NOT_FOUND, CannotExecuteError
from otel_tbot.launcher.outcome_fd import NO_RESULT, write_failure
from otel_tbot.launcher.precheck import unusable_reason
from otel_tbot.launcher.start_sender import GRACE, NOTICE, delivery_timeout, sender_not_started, write_not_reported
from otel_tbot.launcher.subcommand_check import is_start
from otel_tbot.opt_in import consent
from otel_tbot.stderr import write_line

if TYPE_CHECKING:
    from typing import NoReturn

    from otel_tbot.launcher.arguments import Arguments

# A separate console, out of reach of Ctrl-C, and a low priority. Only Windows has these.
_IN_BACKGROUND = getattr(subprocess, "CREATE_NO_WINDOW", 0) | getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0)

_RESULT_SECONDS = 0.3  # what a result needs to reach the process that waits for it, on a busy machine


def run_as_parent(words: list[str], arguments: Arguments) -> NoReturn:
    """Start tbot, then with consent the sender; exit with tbot's status. With `--supervise`, wait for the sender too.

    Args:
        words: the arguments of `run`, for the sender.
        arguments: the same, parsed.

    Raises:
        CannotExecuteError: tbot cannot be started.
        UsageError: `--outcome-fd` is given, which is not supported there.
    """
    if arguments.outcome_fds:
        message = "--outcome-fd needs Linux or macOS: with --supervise a failure is one line on stderr."
        raise UsageError(message)
    _leave_interrupts_to_tbot()
    tbot = _start_tbot(arguments.command)
    sender = None
    deadline = 0.0
    with suppress(Exception):  # tbot runs, and its status must be passed on
        decision = consent()
        if is_start(arguments.command) and (decision.on or decision.tbot_would_accept):
            deadline = time.monotonic() + delivery_timeout(arguments) + GRACE
            reason = decision.reason if decision.tbot_would_accept else unusable_reason(arguments)
            if reason:
                write_not_reported(arguments, reason)
            else:
                sender = _start_sender(words, arguments, deadline)
    status = tbot.wait()
    if sender is not None and arguments.supervise:
        _wait_for_sender(sender, deadline)
    os._exit(exit_status(status))


def _start_tbot(command: list[str]) -> subprocess.Popen[bytes]:
    name = command[0]
    path = shutil.which(name)
    if path is None:
        where = "" if os.path.dirname(name) else " on PATH"  # noqa: PTH120  the same as in `which`
        message = f"{name or 'An empty name'} was not found{where}: name the tbot executable."
        raise CannotExecuteError(message, NOT_FOUND)
    try:
        return subprocess.Popen(command, executable=path)  # noqa: S603  what the user asked for
    except OSError as error:
        why = error.strerror
    message = f"{path} cannot be executed: {why}."
    raise CannotExecuteError(message, FOUND_BUT_NOT_EXECUTABLE)


def _leave_interrupts_to_tbot() -> None:
    """Ignore Ctrl-C and Ctrl-Break, which reach every process of the console: tbot decides what they mean."""
    for name in ("SIGINT", "SIGBREAK"):
        number = getattr(signal, name, None)
        # A child does not inherit a handler; it would inherit that a signal is ignored.
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def _start_sender(words: list[str], arguments: Arguments, deadline: float) -> subprocess.Popen[bytes] | None:
    null = subprocess.DEVNULL
    try:
        sender = subprocess.Popen(  # noqa: S603  our own module
            python_command(__name__, str(deadline), *words),
            stdin=null,
            stdout=subprocess.PIPE if arguments.supervise else null,
            stderr=null,
            creationflags=_IN_BACKGROUND,
        )
    except OSError as error:
        write_not_reported(arguments, sender_not_started(error))
        return None
    write_line(NOTICE)
    return sender


def _wait_for_sender(sender: subprocess.Popen[bytes], deadline: float) -> None:
    reason = NO_RESULT
    try:
        output, _ = sender.communicate(timeout=max(deadline - time.monotonic(), 0))
        if sender.returncode == 0:
            reason = output.decode(errors="replace")
    except subprocess.TimeoutExpired:
        sender.kill()
    if reason:
        write_failure(reason)


def exit_status(code: int) -> int:
    """Return an exit status of Windows, which has 32 bits and no sign, as the C int that `os._exit` takes."""
    return code - 2**32 if code >= 2**31 else code


def main(deadline: str, *words: str) -> NoReturn:
    """Deliver the event. The main function of the sender's process.

    It exits with 0 when it knows the outcome, and then writes the reason of a failure, if any, to stdout.

    Args:
        deadline: when this process must end, on the monotonic clock, which is the same for all processes.
        words: the arguments of `run`.
    """
    status = 1
    try:
        timer = threading.Timer(float(deadline) - time.monotonic(), os._exit, (1,))
        timer.daemon = True
        timer.start()
        arguments = parse(list(words))
        from otel_tbot.launcher.worker import report  # noqa: PLC0415  within the time limit

        outcome = report(arguments, delivery_timeout(arguments), float(deadline) - _RESULT_SECONDS)
        if outcome.status == "failed":
            os.write(1, outcome.reason.encode())
        status = 0
    finally:
        os._exit(status)
