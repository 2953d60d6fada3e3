"""The bounded queue between the senders, who wait, and the backend: many events in one export, each answered after it.

This is a group commit. While one export is under way events gather; they are the next one. So an event is acknowledged
only when it has arrived, the queue holds no more than there are senders waiting, and there is nothing that a restart
could lose.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from otel_tbot.errors import OtelTbotError
from otel_tbot.otel.otlp import Answer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from otel_tbot.receiver.counters import Counters
    from otel_tbot.receiver.submission import Submission

BATCH_LIMIT = 512  # events in one export; the default of OpenTelemetry's batch processors
# Seconds in which events gather before an export, which alone costs as much as ten events do.
_GATHER = 0.01
ANSWER_WITHIN = 10.0  # seconds; tbot itself waits no longer at its end
_LATE = Answer(accepted=False, reason=f"the backend did not accept it within {ANSWER_WITHIN:g} s")


class QueueFullError(OtelTbotError):
    """As many events wait for the backend as may."""


class Batches:
    """Takes single events, and hands them on in batches, one export at a time."""

    def __init__(
        self, export: Callable[[list[Submission]], Awaitable[Answer]], counters: Counters, *, limit: int
    ) -> None:
        """Begin with an empty queue.

        Args:
            export: delivers a batch, and says what became of it.
            counters: where the outcomes are counted.
            limit: how many events may wait.
        """
        self._export = export
        self._counters = counters
        self._limit = limit
        self._waiting: deque[tuple[Submission, asyncio.Future[Answer]]] = deque()
        self._filled = asyncio.Event()

    async def deliver(self, submission: Submission) -> Answer:
        """Return what became of an event, once that is known, or after `ANSWER_WITHIN` seconds.

        Raises:
            QueueFullError: there is no room; nothing was kept.
        """
        if len(self._waiting) >= self._limit:
            raise QueueFullError
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((submission, answer))
        self._filled.set()
        self._counters.waiting += 1
        timer = loop.call_later(ANSWER_WITHIN, _settle, answer, _LATE)
        try:
            return await answer
        finally:
            timer.cancel()
            self._counters.waiting -= 1

    async def run(self) -> None:
        """Export what waits, for ever."""
        while True:
            await self._filled.wait()
            if len(self._waiting) < BATCH_LIMIT:
                await asyncio.sleep(_GATHER)
            batch = self._next()
            if not batch:
                self._filled.clear()
                continue
            answer = await self._export([submission for submission, _ in batch])
            self._count(answer, len(batch))
            for _, sender in batch:
                _settle(sender, answer)

    def _next(self) -> list[tuple[Submission, asyncio.Future[Answer]]]:
        batch: list[tuple[Submission, asyncio.Future[Answer]]] = []
        while self._waiting and len(batch) < BATCH_LIMIT:
            submission, sender = self._waiting.popleft()
            if sender.done():
                # Its sender was told that it failed, or has gone: then it must not arrive after all.
                self._counters.failed += 1
            else:
                batch.append((submission, sender))
        return batch

    def _count(self, answer: Answer, events: int) -> None:
        if answer.accepted:
            self._counters.exported += events
        else:
            self._counters.failed += events


def _settle(sender: asyncio.Future[Answer], answer: Answer) -> None:
    if not sender.done():
        sender.set_result(answer)
