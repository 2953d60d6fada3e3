"""Staying as tbot's parent: in a container the end of process 1 is the end of all, and the sender's too.

The parent shares tbot's session, process group and terminal, so job control, the terminal's signals and a supervisor
that addresses the group work as without it. It passes on what reaches it alone, stops when tbot stops, ends after tbot
with tbot's status, and holds nothing in between: no descriptor, no OpenTelemetry.

What cannot be hidden: tbot has another pid and another parent, so that a service manager must be told to take messages
from it (systemd: `NotifyAccess=all`). A signal that a process sends to the whole group reaches tbot twice. SIGKILL and
SIGSTOP cannot be passed on.
"""

from __future__ import annotations

import os
import time

from otel_tbot.launcher.descriptors import close_inherited_fds
from otel_tbot.launcher.execute import FOUND_BUT_NOT_EXECUTABLE, CannotExecuteError, execute
from otel_tbot.launcher.raw_signal import signal
from otel_tbot.stderr import write_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

# DOC: """Waiting for signals as tbot's parent, and knowing which reached the parent alone: tbot must get each one once."""


_INIT = 1  # the process that nothing can stop
_KILLED = 128  # a shell's exit status for a signal is this and the signal's number
# After tbot's end these end the wait for the sender. The last is the time limit.
_ENOUGH = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
# In these systemd names the process that their companions (LISTEN_FDS, WATCHDOG_USEC) are meant for.
_NAMING_US = ("LISTEN_PID", "WATCHDOG_PID", "SYSTEMD_EXEC_PID")


def supervise(path: str, command: list[str], start_sender: Callable[[], int], until: float) -> int:
    """Start tbot, then the sender, and wait for both.

    Args:
        path: the executable.
        command: tbot's command line.
        start_sender: starts the sender and returns its pid, or 0 if there is none.
        until: how long the sender is waited for, on the monotonic clock.

    Returns:
        tbot's exit status, 128 and the number if a signal ended it.

    Raises:
        OSError: no process can be started; then all is as before.
    """
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    # Were it ignored, tbot's status would be lost.
    on_child = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    parent = os.getpid()
    try:
        tbot = os.fork()
    except OSError:
        signal.signal(signal.SIGCHLD, on_child)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        raise
    if tbot == 0:
        signal.signal(signal.SIGCHLD, on_child)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        _become_tbot(path, command, parent)
    sender = start_sender()
    close_inherited_fds()
    return _Watch(tbot, sender, until).until_the_end()


def _become_tbot(path: str, command: list[str], parent: int) -> NoReturn:
    status = FOUND_BUT_NOT_EXECUTABLE
    try:
        for name in _NAMING_US:
            if os.environ.get(name) == str(parent):
                os.putenv(name, str(os.getpid()))
        execute(path, command)
    except CannotExecuteError as error:
        status = error.status
        write_line(str(error))
    finally:
        os._exit(status)


class _Watch:
    """Watches over two children, and over every orphan that becomes one."""

    def __init__(self, tbot: int, sender: int, until: float) -> None:
        self._tbot = tbot
        self._sender = sender
        self._until = until
        self._status: int | None = None

    def until_the_end(self) -> int:
        """Pass signals on until tbot has ended, then wait for the sender. Return tbot's exit status."""
        while self._status is None or self._sender:
            number, for_tbot = next_signal()
            if number == signal.SIGCHLD:
                self._reap()
            elif self._status is not None:
                if number in _ENOUGH:
                    break
            elif for_tbot:
                self._pass_on(number)
        return self._status

    def _pass_on(self, number: int) -> None:
        try:
            os.kill(self._tbot, number)
        except OSError:
            return  # tbot has become another user's

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
                    _stop_too(os.WSTOPSIG(status))
            elif pid == self._tbot:
                self._status = _exit_status(status)
                # A timer of 0 seconds would be none.
                signal.setitimer(signal.ITIMER_REAL, max(self._until - time.monotonic(), 0.001))
            elif pid == self._sender:
                self._sender = 0


def _exit_status(status: int) -> int:
    return _KILLED + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _stop_too(number: int) -> None:
    """Stop as tbot has stopped, for the shell to see; go on when the shell lets the group go on."""
    if os.getpid() == _INIT:
        return
    if number != signal.SIGSTOP:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    signal.pthread_sigmask(signal.SIG_BLOCK, {number})


_EVERY = signal.valid_signals()
_KERNEL = 1  # the kernel's own signals have codes from this on, those of processes lower ones (sigaction(2), si_code)
_OF_TERMINAL = frozenset({signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGWINCH, signal.SIGCONT})
_OF_HANGUP = frozenset({signal.SIGHUP, signal.SIGCONT})


def next_signal() -> tuple[int, bool]:
    """Wait for a signal; all must be blocked.

    Returns:
        Its number, and whether to pass it on to tbot.
    """
    if not hasattr(signal, "sigwaitinfo"):
        # On macOS nothing tells where a signal comes from; in the foreground it is most likely the terminal.
        number = signal.sigwait(_EVERY)
        return number, number not in _OF_TERMINAL or not _in_foreground()
    received = signal.sigwaitinfo(_EVERY)
    if received.si_code < _KERNEL:
        # Our own: SIGPIPE, if nobody reads the notice. It is blocked, and so waits here although it is ignored.
        return received.si_signo, received.si_pid != os.getpid()
    # The terminal's signals go to its whole foreground group, to tbot as to us. But that it has hung up is told to the
    # leader of the session alone.
    return received.si_signo, received.si_signo in _OF_HANGUP and os.getsid(0) == os.getpid()


def _in_foreground() -> bool:
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
