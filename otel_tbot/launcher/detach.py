"""Putting a process beside this one that is no child of it: tbot must not find a child that it never had."""

from __future__ import annotations

import os

from otel_tbot.launcher.sender import guarded, leave
from otel_tbot.launcher.signals import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn


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
        leave()
        if os.fork() == 0:
            guarded(work, seconds)
        problem = 0
    except OSError as error:
        problem = error.errno or problem
    finally:
        os._exit(problem)
