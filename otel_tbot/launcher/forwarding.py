"""Waiting for signals as tbot's parent, and knowing which reached the parent alone: tbot must get each one once."""

from __future__ import annotations

import os

from otel_tbot.launcher.signals import signal

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
