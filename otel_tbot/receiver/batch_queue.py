"""The bounded queue between the senders, who wait, and the backend: many events in one export, each answered after it.

This is a group commit. While one export is under way events gather; they are the next one. So an event is acknowledged
only when it has arrived, the queue holds no more than there are senders waiting, and there is nothing that a restart
could lose.
"""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from otel_tbot.errors import OtelTbotError
from otel_tbot.otlp.client import ExportResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_tbot.receiver.metrics import Counters
    from otel_tbot.receiver.submission import Submission

BATCH_LIMIT = 512  # events in one export; the default of OpenTelemetry's batch processors
# So many events are exported at once, while the receiver reads on. Fewer gather for so many seconds: an export alone
# costs as much as ten events do.
_ENOUGH = 32
_GATHER = 0.01
ANSWER_WITHIN = 10.0  # seconds; tbot itself waits no longer at its end
_LATE = ExportResult(accepted=False, reason=f"the backend did not accept it within {ANSWER_WITHIN:g} s")
_ENDING = ExportResult(accepted=False, reason="the receiver ends, and the backend did not accept it in time")


class QueueFullError(OtelTbotError):
    """As many events wait for the backend as may."""


class BatchQueue:
    """Takes single events, and hands them on in batches, one export at a time."""

    def __init__(
        self, export: Callable[[list[Submission]], asyncio.Future[ExportResult]], counters: Counters, *, limit: int
    ) -> None:
        """Begin with an empty queue.

        Args:
            export: begins to deliver a batch at once, and says in the end what became of it; never raises.
            counters: where the outcomes are counted.
            limit: how many events may wait.
        """
        self._export = export
        self._counters = counters
        self._limit = limit
        self._waiting: deque[tuple[Submission, asyncio.Future[ExportResult]]] = deque()
        self._under_way: list[asyncio.Future[ExportResult]] = []
        self._ending = False
        self._gathered: asyncio.TimerHandle | None = None

    async def deliver(self, submission: Submission) -> ExportResult:
        """Return what became of an event, once that is known, or after `ANSWER_WITHIN` seconds.

        Raises:
            QueueFullError: there is no room; nothing was kept.
        """
        if self._ending:
            self._counters.failed += 1
            return _ENDING
        if len(self._waiting) >= self._limit:
            raise QueueFullError
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[ExportResult] = loop.create_future()
        self._waiting.append((submission, answer))
        self._counters.waiting += 1
        self._hand_on_soon()
        timer = loop.call_later(ANSWER_WITHIN, settle, answer, _LATE)
        try:
            return await answer
        finally:
            timer.cancel()
            self._counters.waiting -= 1

    def give_up(self) -> None:
        """Tell everybody who waits, and who comes now, that it is too late: the receiver ends."""
        self._ending = True
        left = [*self._under_way, *(sender for _, sender in self._waiting)]
        self._waiting.clear()
        self._counters.failed += len(left)
        for sender in left:
            settle(sender, _ENDING)

    def _hand_on_soon(self) -> None:
        if self._under_way:
            return  # its end looks here again
        if len(self._waiting) >= _ENOUGH:
            self._hand_on()
        elif self._waiting and self._gathered is None:
            self._gathered = asyncio.get_running_loop().call_later(_GATHER, self._hand_on)

    def _hand_on(self) -> None:
        """Begin an export of what waits."""
        if self._gathered is not None:
            self._gathered.cancel()
            self._gathered = None
        if batch := self._next():
            self._under_way = [sender for _, sender in batch]
            exported = self._export([submission for submission, _ in batch])
            exported.add_done_callback(partial(self._arrived, self._under_way))

    def _arrived(self, senders: list[asyncio.Future[ExportResult]], exported: asyncio.Future[ExportResult]) -> None:
        if self._ending:
            return  # they have been told, and counted
        self._under_way = []
        self._hand_on_soon()  # before the senders: the exporter is not to wait for their answers to be written
        answer = _ENDING if exported.cancelled() else exported.result()
        self._count(answer, len(senders))
        for sender in senders:
            settle(sender, answer)

    def _next(self) -> list[tuple[Submission, asyncio.Future[ExportResult]]]:
        batch: list[tuple[Submission, asyncio.Future[ExportResult]]] = []
        while self._waiting and len(batch) < BATCH_LIMIT:
            submission, sender = self._waiting.popleft()
            if sender.done():
                # Its sender was told that it failed, or has gone: then it must not arrive after all.
                self._counters.failed += 1
            else:
                batch.append((submission, sender))
        return batch

    def _count(self, answer: ExportResult, events: int) -> None:
        if answer.accepted:
            self._counters.exported += events
        else:
            self._counters.failed += events


def settle(sender: asyncio.Future[ExportResult], answer: ExportResult) -> None:
    """Give an answer to whoever waits for it, unless he has one or has gone."""
    if not sender.done():
        sender.set_result(answer)
