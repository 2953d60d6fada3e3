"""The bounded queue between the waiting clients and the backend: many events in one export, each acknowledged after it.

This is a group commit. While one export is in progress, events gather for the next. So an event is acknowledged only
after the backend has accepted it, the queue holds no more events than clients wait, and a restart loses nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from otel_tbot.errors import OtelTbotError
from otel_tbot.otlp.client import ExportResult
from otel_tbot.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_tbot.event import EventAttributes
    from otel_tbot.receiver.metrics import Counters

    Packed = tuple[EventAttributes, str, int]

BATCH_LIMIT = 512  # events in one export; the default of OpenTelemetry's batch processors
# This many events are exported at once. Fewer wait for more, this many seconds: an export costs as much as ten events.
_FLUSH_SIZE = 32
_LINGER = 0.01
DELIVERY_TIMEOUT = 10.0  # seconds; tbot itself waits no longer at its exit
_TIMED_OUT = ExportResult(accepted=False, reason=f"the backend did not accept it within {DELIVERY_TIMEOUT:g} s")
_STOPPING = ExportResult(accepted=False, reason="the receiver is stopping, and the backend did not accept it in time")


class Submission(NamedTuple):
    """One event of one tbot, validated.

    Attributes:
        attributes: the nine values.
        session: the session of that tbot.
        timestamp_ns: nanoseconds since 1970, truncated to the whole second.
    """

    attributes: EventAttributes
    session: Session
    timestamp_ns: int

    def packed(self) -> Packed:
        """Return plain values, which are cheap to send to another process."""
        return self.attributes, self.session.id, self.timestamp_ns


def remote_session(session_id: str) -> Session:
    """Return the session of a tbot, without system and architecture, which would be this machine's.

    Raises:
        InvalidEventError: the id is not a UUID of version 4.
    """
    return Session(id=session_id, os_type=None, host_arch=None)


class QueueFullError(OtelTbotError):
    """The maximum number of events wait for the backend."""


class BatchQueue:
    """Takes single events and exports them in batches, one export at a time."""

    def __init__(
        self, export: Callable[[list[Submission]], asyncio.Future[ExportResult]], counters: Counters, *, limit: int
    ) -> None:
        """Create an empty queue.

        Args:
            export: starts to deliver a batch, and returns a future of the result; never raises.
            counters: where the outcomes are counted.
            limit: how many events may wait.
        """
        self._export = export
        self._counters = counters
        self._limit = limit
        self._waiting: deque[tuple[Submission, asyncio.Future[ExportResult]]] = deque()
        self._exporting: list[asyncio.Future[ExportResult]] = []
        self._stopping = False
        self._linger_timer: asyncio.TimerHandle | None = None

    async def deliver(self, submission: Submission) -> ExportResult:
        """Return the result of an event, once it is known, or after `DELIVERY_TIMEOUT` seconds.

        Raises:
            QueueFullError: the queue is full; the event is not kept.
        """
        if self._stopping:
            self._counters.failed += 1
            return _STOPPING
        if len(self._waiting) >= self._limit:
            raise QueueFullError
        loop = asyncio.get_running_loop()
        result: asyncio.Future[ExportResult] = loop.create_future()
        self._waiting.append((submission, result))
        self._counters.waiting += 1
        self._flush_soon()
        timer = loop.call_later(DELIVERY_TIMEOUT, resolve, result, _TIMED_OUT)
        try:
            return await result
        finally:
            timer.cancel()
            self._counters.waiting -= 1

    def fail_pending(self) -> None:
        """Fail all waiting events and every later one: the receiver is stopping."""
        self._stopping = True
        left = [*self._exporting, *(client_future for _, client_future in self._waiting)]
        self._waiting.clear()
        self._counters.failed += len(left)
        for client_future in left:
            resolve(client_future, _STOPPING)

    def _flush_soon(self) -> None:
        if self._exporting:
            return  # `_on_exported` flushes again
        if len(self._waiting) >= _FLUSH_SIZE:
            self._flush()
        elif self._waiting and self._linger_timer is None:
            self._linger_timer = asyncio.get_running_loop().call_later(_LINGER, self._flush)

    def _flush(self) -> None:
        """Export what waits."""
        if self._linger_timer is not None:
            self._linger_timer.cancel()
            self._linger_timer = None
        if batch := self._next_batch():
            self._exporting = [client_future for _, client_future in batch]
            exported = self._export([submission for submission, _ in batch])
            exported.add_done_callback(partial(self._on_exported, self._exporting))

    def _on_exported(
        self, client_futures: list[asyncio.Future[ExportResult]], exported: asyncio.Future[ExportResult]
    ) -> None:
        if self._stopping:
            return  # these events have failed and been counted
        self._exporting = []
        self._flush_soon()  # before the responses are written: the exporter must not wait for them
        result = _STOPPING if exported.cancelled() else exported.result()
        self._count(result, len(client_futures))
        for client_future in client_futures:
            resolve(client_future, result)

    def _next_batch(self) -> list[tuple[Submission, asyncio.Future[ExportResult]]]:
        batch: list[tuple[Submission, asyncio.Future[ExportResult]]] = []
        while self._waiting and len(batch) < BATCH_LIMIT:
            submission, client_future = self._waiting.popleft()
            if client_future.done():
                # Its client got a failure, or has disconnected: then the event must not arrive after all.
                self._counters.failed += 1
            else:
                batch.append((submission, client_future))
        return batch

    def _count(self, result: ExportResult, events: int) -> None:
        if result.accepted:
            self._counters.exported += events
        else:
            self._counters.failed += events


def resolve(client_future: asyncio.Future[ExportResult], result: ExportResult) -> None:
    """Set the result of a future, unless it is done or cancelled."""
    if not client_future.done():
        client_future.set_result(result)
