"""One deadline for work with several waits: DNS, TLS and slow responses have no common timeout."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")


# How often to check whether a finished thread has left the process, and the pause in between, in seconds.
_LOOKS = 1000
_PAUSE = 0.0001


class NoThreadError(Exception):
    """The system does not start another thread for this process, and without one nothing can end the work in time."""


class _WorkThread(threading.Thread, Generic[Result]):
    def __init__(self, work: Callable[[], Result]) -> None:
        # A daemon thread, so that work that never ends does not keep the process from ending.
        super().__init__(name="otel-tbot", daemon=True)
        self._work = work
        self.result: Result | None = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.result = self._work()
        except BaseException as error:  # noqa: BLE001  raised again in the waiting thread
            self.error = error


def run_with_timeout(timeout: float, work: Callable[[], Result]) -> Result:
    """Return the result of `work` if it ends in time.

    Args:
        timeout: seconds.
        work: a function without arguments.

    Raises:
        TimeoutError: it did not; it continues in a daemon thread, and its result is ignored.
        NoThreadError: it was not started.
        BaseException: what `work` raised.
    """
    thread = _WorkThread(work)
    try:
        thread.start()
    except RuntimeError as error:
        # Python 3.12 starts no thread while the interpreter shuts down, when pipelines are flushed: see limits.md.
        if "shutdown" not in str(error):
            raise NoThreadError from None
        thread.run()
    else:
        thread.join(timeout)
        if thread.is_alive():
            raise TimeoutError
        _wait_until_gone(thread)
    if thread.error is not None:
        raise thread.error
    return thread.result  # type: ignore[return-value]  # without an error there is a result


def _wait_until_gone(thread: threading.Thread) -> None:
    """Wait until the thread is gone from the system.

    When it leaves, OpenSSL cleans up after it under a lock. A process forked at that moment has the lock forever, and
    its first TLS context waits for it. Since Python 3.13, `join` itself waits for the system; with an older Python and
    without /proc, nothing can.
    """
    entry = Path(f"/proc/self/task/{thread.native_id}")
    for _ in range(_LOOKS):
        if not entry.exists():
            break
        time.sleep(_PAUSE)
