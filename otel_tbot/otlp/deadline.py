"""One deadline over work that has waits of its own: name look-ups, handshakes and slow answers know no total."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")


class _Work(threading.Thread, Generic[Result]):
    def __init__(self, work: Callable[[], Result]) -> None:
        # A daemon, so that work which never ends does not hold up the end of the process either.
        super().__init__(name="otel-tbot", daemon=True)
        self._work = work
        self.result: Result | None = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.result = self._work()
        except BaseException as error:  # noqa: BLE001  handed to the waiting thread as it is
            self.error = error


def run_with_timeout(limit: float, work: Callable[[], Result]) -> Result:
    """Return what `work` returns, if it does so within `limit` seconds.

    Raises:
        TimeoutError: it did not; it goes on in a daemon thread whose result nobody will see.
        BaseException: what `work` raised.
    """
    thread = _Work(work)
    try:
        thread.start()
    except RuntimeError:
        # Python 3.12 and newer start no thread once the interpreter shuts down: then the work's own limits must do.
        thread.run()
    else:
        thread.join(limit)
        if thread.is_alive():
            raise TimeoutError
    if thread.error is not None:
        raise thread.error
    return thread.result  # type: ignore[return-value]  # without an error there is a result
