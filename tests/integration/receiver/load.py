"""Very many tbots at once, which send at fixed times, even if earlier events have not been answered.

A receiver that falls behind shows it as latency, and does not slow the fleet down.
"""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.integration.receiver.http_client import raw, request

if TYPE_CHECKING:
    from tests.support.collector import Collector

CONNECTIONS = 128  # the tbots that wait for an answer at the same time
_LENGTH = re.compile(rb"content-length: ([0-9]+)")
_LAST_CHUNK = b"0\r\n\r\n"
_TICK = 0.002  # seconds


@dataclass
class LoadResult:
    """The results for the tbots.

    Attributes:
        latencies: seconds from the time at which each event was due to its acknowledgement, in order of arrival.
        acknowledged: the sessions of the acknowledged events.
        refused: the number of events that were not acknowledged.
        took: seconds from the time at which the first event was due to the last answer.
    """

    latencies: list[float] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    refused: int = 0
    took: float = 0.0


class Tbot(asyncio.Protocol):
    """One connection, which sends an event at a time."""

    def __init__(self, events: list[tuple[str, bytes]], due: asyncio.Queue[float], played: LoadResult) -> None:
        """Set the list of sessions and requests, and the queue of the times at which they are due."""
        self._events = events
        self._due = due
        self._played = played
        self._answer: asyncio.Future[bytes] | None = None
        self._received = b""
        self._transport: Any = None
        self._over = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Process an answer."""
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if end and self._answer is not None and _complete(head, body):
            self._answer.set_result(head)

    def connection_lost(self, _: Exception | None) -> None:
        """Record that the connection is closed."""
        self._over.set()

    async def end(self) -> None:
        """Close the connection."""
        self._transport.close()
        await self._over.wait()

    async def play(self) -> None:
        """Send each event when it is due, forever."""
        while True:
            due = await self._due.get()
            session, data = self._events.pop()
            self._received, self._answer = b"", asyncio.get_running_loop().create_future()
            self._transport.write(data)
            if (await self._answer).startswith(b"HTTP/1.1 200"):
                self._played.latencies.append(time.perf_counter() - due)
                self._played.acknowledged.append(session)
            else:
                self._played.refused += 1
            self._due.task_done()


def _complete(head: bytes, body: bytes) -> bool:
    length = _LENGTH.search(head)
    return len(body) >= int(length[1]) if length else body.endswith(_LAST_CHUNK)


async def play(port: int, rate: int, seconds: float, played: LoadResult) -> None:
    """Send events at a rate per second, for some seconds."""
    due = asyncio.Queue[float]()
    total = int(rate * seconds)
    # Created beforehand, so that it takes no processor time from the receiver, as in a real fleet.
    sessions = [str(uuid.uuid4()) for _ in range(total)]
    events = [(session, raw(request(session=session))) for session in sessions]
    loop = asyncio.get_running_loop()
    tbots = [
        (await loop.create_connection(lambda: Tbot(events, due, played), "127.0.0.1", port))[1]
        for _ in range(CONNECTIONS)
    ]
    playing = [asyncio.create_task(tbot.play()) for tbot in tbots]
    begun, sent = time.perf_counter(), 0
    while sent < total:
        now = min(total, int((time.perf_counter() - begun) * rate))
        for number in range(sent, now):
            due.put_nowait(begun + number / rate)
        sent = now
        await asyncio.sleep(_TICK)
    await due.join()
    played.took = time.perf_counter() - begun
    for task in playing:
        task.cancel()
    for tbot in tbots:
        await tbot.end()


def sessions_of(collector: Collector) -> list[str]:
    """Return the sessions of all events that the Collector has accepted."""
    return [
        attribute["value"]["stringValue"]
        for export in collector.requests("logs")
        for of_resource in export["resourceLogs"]
        for attribute in of_resource["resource"]["attributes"]
        if attribute["key"] == "session.id"
    ]
