"""A process in tbot's group that reports which signals the whole group got: tbot already has those.

The receiver of a signal cannot find out which other processes got it. A terminal, `dumb-init`, `tini -g` and `timeout`
signal the group; `tini`, s6 and `docker stop` one process. The probe only answers, and ends with its parent.
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
# Seconds during which a later copy is awaited and dropped, so that it does not count for another signal.
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
        questions, self._question = os.pipe()
        self._answer, answers = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._question)
            os.close(self._answer)
            _run(questions, answers)
        os.close(questions)
        os.close(answers)

    def received(self, number: int) -> bool:
        """Return whether the probe also got a signal that this process got. Each signal counts once.

        Args:
            number: the signal's number.

        Returns:
            Also False if the probe was killed.
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


def _run(questions: int, answers: int) -> NoReturn:
    """Answer until the parent closes its end, or has ended."""
    try:
        while question := os.read(questions, 1):
            number = question[0]
            took = _take(number)
            os.write(answers, _YES if took else _NO)
            if not took and not select.select([questions], [], [], _MAX_LATENESS)[0] and number in signal.sigpending():
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
