"""A process in tbot's group that tells which signals the whole group got: tbot has those already.

No system tells the receiver of a signal to whom else it went. A terminal, `dumb-init`, `tini -g` and `timeout` signal
the group; `tini`, s6 and `docker stop` one process. The probe does nothing but answer, and ends with its parent.
"""

from __future__ import annotations

import os
import select
import time

from otel_tbot.launcher.signal_without_enums import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

# Seconds that a signal to one process is held back. The kernel signals a group at once; systemd and `timeout`, which
# signal one process after the other, need less than this.
_MAX_WAIT = 0.02
_WAIT_STEP = 0.001
# Seconds for which a copy that comes later than that is awaited and dropped, so that it does not answer for another.
_MAX_LATENESS = 1.0
_YES = b"y"
_NO = b"n"


class GroupSignalProbe:
    """A process in the group of this one, which must have blocked all signals."""

    def __init__(self) -> None:
        """Start it.

        Raises:
            OSError: no process can be started.
        """
        asked, self._question = os.pipe()
        self._answer, answering = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._question)
            os.close(self._answer)
            _run(asked, answering)
        os.close(asked)
        os.close(answering)

    def received(self, number: int) -> bool:
        """Return whether the probe got a signal that this process has got. A signal is answered for once.

        Args:
            number: the signal's number.

        Returns:
            False, too, if the probe was killed.
        """
        try:
            os.write(self._question, bytes([number]))
            return os.read(self._answer, 1) == _YES
        except OSError:
            return False

    def end(self) -> None:
        """End it."""
        os.close(self._question)
        try:
            os.waitpid(self._pid, 0)
        except ChildProcessError:
            return  # it was killed, and reaped


def _run(asked: int, answering: int) -> NoReturn:
    """Answer until the parent closes its end, or has ended."""
    try:
        while question := os.read(asked, 1):
            number = question[0]
            took = _take(number)
            os.write(answering, _YES if took else _NO)
            if not took and not select.select([asked], [], [], _MAX_LATENESS)[0] and number in signal.sigpending():
                signal.sigwait({number})
    finally:
        os._exit(0)


def _take(number: int) -> bool:
    """Remove a signal from the pending ones. Return whether it was there, or came in time."""
    until = time.monotonic() + _MAX_WAIT
    while number not in signal.sigpending():
        if time.monotonic() > until:
            return False
        time.sleep(_WAIT_STEP)
    signal.sigwait({number})
    return True
