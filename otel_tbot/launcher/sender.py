"""The process that sends: alone, deaf to what is meant for tbot, and dead at its deadline whatever happens.

It is two processes. One guards the time and does nothing else; the other, its child, does the work. A process cannot
guard itself: the version question starts tbot's executable, and what that starts must end with it.
"""

from __future__ import annotations

import errno
import gc
import os

from otel_tbot.launcher.descriptors import close_inherited_fds
from otel_tbot.launcher.raw_signal import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

# DOC: """Putting a process beside this one that is no child of it: tbot must not find a child that it never had."""


# What a supervisor sends to everything of a service: to end it, or to have tbot renew.
_DEAF_TO = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGPIPE,
)
_TIMES_UP = {signal.SIGCHLD, signal.SIGALRM}
_NICER_BY = 10  # of 19: on a busy machine tbot's start comes first


def spawn(work: Callable[[], object], seconds: float) -> int:
    """Have some work done by a sender that is a child of this process. Return its pid.

    Raises:
        OSError: no process can be started.
    """
    child = os.fork()
    if child == 0:
        try:
            detach_from_parent()
            run_guarded(work, seconds)
        finally:
            os._exit(0)
    return child


def detach_from_parent() -> None:
    """Leave tbot's session, process group and terminal, its signals and its descriptors.

    Raises:
        OSError: that is not possible here.
    """
    for number in _DEAF_TO:
        signal.signal(number, signal.SIG_IGN)
    os.setsid()
    if not close_inherited_fds():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.devnull)


def run_guarded(work: Callable[[], object], seconds: float) -> NoReturn:
    """Do the work in a child and end with it, or when the time is up; then nothing of the process group is left.

    To be called after `leave`: the process group must be the sender's own.
    """
    # An inherited mask or disposition must not keep the end from coming.
    for number in _TIMES_UP:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, _TIMES_UP)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    worker = os.fork()
    if worker == 0:
        _work(work, seconds)
    while signal.sigwait(_TIMES_UP) == signal.SIGCHLD and os.waitpid(worker, os.WNOHANG) == (0, 0):
        pass  # the child was stopped or went on
    os.killpg(0, signal.SIGKILL)
    os._exit(0)  # never reached


def _work(work: Callable[[], object], seconds: float) -> NoReturn:
    """Do the work, and end without a word."""
    try:
        # Should the guard be gone, this timer, whose signal nobody handles, is the end.
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        signal.setitimer(signal.ITIMER_REAL, seconds)
        os.nice(_NICER_BY)
        # So short a life leaves no garbage worth collecting, and loading OpenTelemetry is faster by a tenth without it.
        gc.disable()
        work()
    finally:
        os._exit(0)


def detach(work: Callable[[], object], seconds: float) -> int:
    """Have some work done by a process that has left everything of ours behind when this returns.

    Args:
        work: what to do.
        seconds: how long the process may live.

    Returns:
        0, the pid of no process: it is no child of ours.

    Raises:
        OSError: no process can be started.
    """
    another_waits = signal.SIGCHLD in signal.sigpending()
    child = os.fork()
    if child == 0:
        _pass_on(work, seconds)
    try:
        problem = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    except ChildProcessError:
        problem = 0  # where SIGCHLD is ignored, children leave no status
    if not another_waits and hasattr(signal, "sigtimedwait"):  # not on macOS
        # With SIGCHLD blocked, the signal of our child's end would wait for tbot.
        signal.sigtimedwait({signal.SIGCHLD}, 0)
    if problem:
        raise OSError(problem, os.strerror(problem))
    return 0


def _pass_on(work: Callable[[], object], seconds: float) -> NoReturn:
    """Leave, hand the work to a child, and end at once, so that it is nobody's child."""
    problem = 1
    try:
        detach_from_parent()
        if os.fork() == 0:
            run_guarded(work, seconds)
        problem = 0
    except OSError as error:
        problem = error.errno or problem
    finally:
        os._exit(problem)
