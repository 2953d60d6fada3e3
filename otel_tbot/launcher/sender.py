"""The process that sends: alone in its session, ignoring signals for tbot, and killed at its deadline.

It is two processes: a guard that only waits, and its child, the worker. A worker could not guard itself: it runs
tbot's executable to get the version, and the processes that this starts must end with it.
"""

from __future__ import annotations

import errno
import gc
import os
import time

from otel_tbot.launcher.descriptors import close_inherited_fds
from otel_tbot.launcher.outcome_fd import write_outcome
from otel_tbot.launcher.signal_without_enums import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import NoReturn

# What a supervisor sends to every process of a service: to stop it, or to make tbot renew.
_IGNORED_SIGNALS = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGPIPE,
)
# The worker has ended; the time is up; the unit or container is stopped.
_GUARD_SIGNALS = {signal.SIGCHLD, signal.SIGALRM, signal.SIGTERM}
_STOP_SECONDS = 2.0  # for what is in progress when the unit or container is stopped
_MAX_WAIT = 0.2  # seconds that tbot waits for the process that starts the sender; it takes some milliseconds
_WAIT_STEP = 0.0005
_TIME_UP = "there was no result in time"
_ENDED_EARLY = "the process that sends ended early"
_NICENESS = 10  # of 19: on a busy machine, tbot's start has priority


class Task:
    """What the sender does.

    Attributes:
        work: the work itself, which writes its outcome.
        lifetime: seconds that the process may live.
        outcome_fds: descriptors that the outcome is written to; the only ones that the sender keeps, all above 2.
    """

    __slots__ = ("lifetime", "outcome_fds", "work")

    def __init__(self, work: Callable[[], object], lifetime: float, outcome_fds: tuple[int, ...]) -> None:
        """Set the attributes."""
        self.work = work
        self.lifetime = lifetime
        self.outcome_fds = outcome_fds


def detach(task: Task) -> int:
    """Run a task in a process that is not a child of this one: tbot must not find a child that it never started.

    When this returns, that process has left our session and closed what it inherited.

    Returns:
        0, which is not the pid of a process.

    Raises:
        OSError: no process can be started.
    """
    sigchld_was_pending = signal.SIGCHLD in signal.sigpending()
    child = os.fork()
    if child == 0:
        _fork_sender(task)
    error = wait_with_timeout(child)
    if not sigchld_was_pending and hasattr(signal, "sigtimedwait"):  # not on macOS
        # With SIGCHLD blocked, the signal of our child's end would stay pending for tbot.
        signal.sigtimedwait({signal.SIGCHLD}, 0)
    if error:
        raise OSError(error, os.strerror(error))
    return 0


def wait_with_timeout(child: int) -> int:
    """Return the exit status of a child; 0 if it has none, or does not end in time.

    Its exit closes tbot's descriptors. On some file systems that takes seconds, and tbot does not wait that long: then
    tbot has a child that it never started.
    """
    until = time.monotonic() + _MAX_WAIT
    try:
        while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < until:
            time.sleep(_WAIT_STEP)
    except ChildProcessError:
        return 0  # where SIGCHLD is ignored, children leave no status
    return os.waitstatus_to_exitcode(ended[1]) if ended[0] else 0


def _fork_sender(task: Task) -> NoReturn:
    """Fork the sender and exit at once, so that it is adopted. The exit status is 0 or an errno."""
    status = 1
    try:
        detach_from_parent(task.outcome_fds)
        if os.fork() == 0:
            run_guarded(task)
        status = 0
    except OSError as error:
        status = error.errno or status
    finally:
        os._exit(status)


def spawn(task: Task) -> int:
    """Run a task in a sender that is a child of this process.

    Returns:
        Its pid.

    Raises:
        OSError: no process can be started.
    """
    child = os.fork()
    if child == 0:
        try:
            detach_from_parent(task.outcome_fds)
            run_guarded(task)
        finally:
            os._exit(0)
    return child


def detach_from_parent(keep: Collection[int] = ()) -> None:
    """Leave tbot's session, process group and terminal; ignore its signals; close its descriptors except those to keep.

    Raises:
        OSError: this is not possible here.
    """
    for number in _IGNORED_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    os.setsid()
    _prefer_oom_kill()
    if not close_inherited_fds(keep):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.devnull)


def _prefer_oom_kill() -> None:
    """If memory runs out, make the kernel kill this process and its children rather than tbot (Linux)."""
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:  # noqa: PTH123  pathlib takes too long
            file.write("1000")
    except OSError:
        return


def run_guarded(task: Task) -> NoReturn:
    """Do the work in a child. Kill the process group when the child has ended or the time is up.

    If the child has not written its outcome, this process does. Must be called after `detach_from_parent`, so that the
    process group belongs to the sender.
    """
    _arm_guard(task.lifetime)
    is_written, written = os.pipe()
    worker = os.fork()
    if worker == 0:
        _run_worker(task, written)
    ended = False
    while not ended and (number := signal.sigwait(_GUARD_SIGNALS)) != signal.SIGALRM:
        if number == signal.SIGTERM:
            left, _ = signal.getitimer(signal.ITIMER_REAL)
            signal.setitimer(signal.ITIMER_REAL, min(left, _STOP_SECONDS) or _STOP_SECONDS)
        else:
            ended = _has_ended(worker)
    if not _has_byte(is_written):
        write_outcome(task.outcome_fds, "failed", _ENDED_EARLY if ended else _TIME_UP)
    os.killpg(0, signal.SIGKILL)
    os._exit(0)  # not reached: the signal ends this process too


def _arm_guard(lifetime: float) -> None:
    """Block the guard's signals, with default handlers in any case, and start the timer."""
    for number in _GUARD_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, _GUARD_SIGNALS)
    signal.setitimer(signal.ITIMER_REAL, lifetime)


def _has_ended(worker: int) -> bool:
    """Return whether the worker has ended; not if it was only stopped or continued."""
    return os.waitpid(worker, os.WNOHANG) != (0, 0)


def _has_byte(pipe: int) -> bool:
    os.set_blocking(pipe, False)
    try:
        return os.read(pipe, 1) != b""
    except BlockingIOError:
        return False


def _run_worker(task: Task, written: int) -> NoReturn:
    """Do the work, tell the guard that the outcome was written, and exit without a message."""
    try:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        # If the guard is killed, this timer ends the worker, because its signal has no handler.
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        signal.setitimer(signal.ITIMER_REAL, task.lifetime)
        os.nice(_NICENESS)
        # The process is too short-lived for garbage collection, and loads OpenTelemetry faster by a tenth without it.
        gc.disable()
        task.work()
        # Its exit can take until after the deadline, so it says nothing about the outcome.
        os.write(written, b"1")
    finally:
        os._exit(0)
