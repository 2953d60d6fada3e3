"""Staying as tbot's parent: the end of a container's first process ends everything in it, including the sender.

The parent shares tbot's session, process group and terminal, so job control, the terminal's signals and a supervisor
that addresses the group work as without it. It forwards signals that reach only itself, stops when tbot stops, and
exits after tbot with tbot's status. Of tbot's descriptors it keeps only stderr, for one line if the report failed.

What cannot be hidden: tbot has another pid and another parent, so that a service manager must accept messages from it
(systemd: `NotifyAccess=all`). SIGKILL and SIGSTOP cannot be forwarded.
"""

from __future__ import annotations

import os
import sys
import time

from otel_tbot.launcher.container_main_process import is_container_main_process
from otel_tbot.launcher.descriptors import close_inherited_fds
from otel_tbot.launcher.execute import FOUND_BUT_NOT_EXECUTABLE, CannotExecuteError, execute
from otel_tbot.launcher.group_signal_probe import GroupSignalProbe
from otel_tbot.launcher.outcome_fd import NO_RESULT, write_failure
from otel_tbot.launcher.signal_without_enums import signal
from otel_tbot.stderr import write_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

_STDERR = 2
_SIGNAL_STATUS = 128  # a shell's exit status for a signal is this plus the signal's number
# After tbot's end, these end the wait for the sender. The last is the time limit.
_STOP_WAITING = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
# systemd sets these to the process that LISTEN_FDS and WATCHDOG_USEC are meant for.
_PID_VARIABLES = ("LISTEN_PID", "WATCHDOG_PID", "SYSTEMD_EXEC_PID")

_ALL_SIGNALS = signal.valid_signals()


def supervise(
    path: bytes, command: list[bytes], start_sender: Callable[[tuple[int, ...]], int], deadline: float
) -> int:
    """Start tbot, then the sender, and wait for both.

    Args:
        path: the executable.
        command: tbot's command line.
        start_sender: starts the sender, which writes its outcome to the given descriptors. Returns its pid, or 0 if
            there is none.
        deadline: when to stop waiting for the sender, on the monotonic clock.

    Returns:
        tbot's exit status; 128 plus the number if a signal ended it.

    Raises:
        OSError: no process can be started; then nothing has changed.
    """
    outcome = _pipe()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    # If it stayed ignored, tbot's status would be lost.
    sigchld_handler = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    parent = os.getpid()
    try:
        tbot = os.fork()
    except OSError:
        signal.signal(signal.SIGCHLD, sigchld_handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        raise
    if tbot == 0:
        signal.signal(signal.SIGCHLD, sigchld_handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        _exec_tbot(path, command, parent)
    sender = start_sender(outcome[1:])
    close_inherited_fds(keep=outcome[:1] if sys.stderr is None else (*outcome[:1], _STDERR))
    try:
        probe = GroupSignalProbe()
    except OSError:
        probe = None
    status = _Supervisor(tbot, sender, deadline, probe).run()
    if probe:
        probe.end()
    if sender and outcome and (reason := _read_failure(outcome[0])):
        write_failure(reason)
    return status


def _pipe() -> tuple[int, ...]:
    """Return the reading and the writing end of a pipe, or nothing: without it, a failure is not reported."""
    try:
        ends = os.pipe()
    except OSError:
        return ()
    if min(ends) > _STDERR:
        return ends
    for end in ends:
        os.close(end)  # it got the number of a standard stream that was closed from the start
    return ()


def _read_failure(descriptor: int) -> str:
    """Return why a report failed; empty if it did not.

    Args:
        descriptor: the reading end of a pipe that `write_outcome` has written to.
    """
    import json  # noqa: PLC0415  after tbot's end

    os.set_blocking(descriptor, False)
    try:
        outcome = json.loads(os.read(descriptor, 65536).partition(b"\n")[0])
    except (OSError, ValueError):
        return NO_RESULT
    return str(outcome["reason"]) if outcome["status"] == "failed" else ""


def _exec_tbot(path: bytes, command: list[bytes], parent: int) -> NoReturn:
    status = FOUND_BUT_NOT_EXECUTABLE
    try:
        for name in _PID_VARIABLES:
            if os.environ.get(name) == str(parent):
                os.putenv(name, str(os.getpid()))
        execute(path, command)
    except CannotExecuteError as error:
        status = error.status
        write_line(str(error))
    finally:
        os._exit(status)


class _Supervisor:
    """Waits for tbot and the sender, and reaps every orphan."""

    def __init__(self, tbot: int, sender: int, deadline: float, probe: GroupSignalProbe | None) -> None:
        self._tbot = tbot
        self._sender = sender
        self._deadline = deadline
        self._probe = probe
        self._status: int | None = None

    def run(self) -> int:
        """Forward signals until tbot has ended, then wait for the sender. Return tbot's exit status."""
        while self._status is None or self._sender:
            number = _next_signal()
            if number == signal.SIGCHLD:
                self._reap()
            elif self._status is not None:
                if number in _STOP_WAITING:
                    break
            elif self._probe is None or not self._probe.received(number):
                self._forward(number)
        return self._status

    def _forward(self, number: int) -> None:
        try:
            os.kill(self._tbot, number)
        except OSError:
            return  # tbot runs as another user now

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if os.WIFSTOPPED(status):
                if pid == self._tbot:
                    _stop_like_tbot(os.WSTOPSIG(status))
            elif pid == self._tbot:
                self._status = _exit_status(status)
                # A timer of 0 seconds would never fire.
                signal.setitimer(signal.ITIMER_REAL, max(self._deadline - time.monotonic(), 0.001))
            elif pid == self._sender:
                self._sender = 0


def _exit_status(status: int) -> int:
    return _SIGNAL_STATUS + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _stop_like_tbot(number: int) -> None:
    """Stop by the signal that stopped tbot, so that the shell sees it; continue when the shell continues the group."""
    if is_container_main_process():
        return  # no shell would continue it, and process 1 cannot be stopped
    if number != signal.SIGSTOP:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    signal.pthread_sigmask(signal.SIG_BLOCK, {number})


def _next_signal() -> int:
    """Wait for a signal, and return its number. All must be blocked."""
    if not hasattr(signal, "sigwaitinfo"):  # macOS
        return signal.sigwait(_ALL_SIGNALS)
    # Our own SIGPIPE, if no process reads the notice, is blocked and so arrives here although it is ignored.
    while (received := signal.sigwaitinfo(_ALL_SIGNALS)).si_pid == os.getpid():
        pass
    return received.si_signo
