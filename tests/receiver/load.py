"""Plays very many tbots against a receiver of its own before the real Collector, and counts what arrived.

    python tests/receiver/load.py --rate 2000 --seconds 30

Requests are sent at fixed times, whether earlier ones have been answered or not: a receiver that falls behind shows it
as latency, and does not slow the load down. Not a part of the suite; ends with 1 where an event is lost or a limit of
the project is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import re
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.receiver.exchange import raw, request
from tests.receiver.running import Running
from tests.support.collector import Collector, find_collector

CONNECTIONS = 128  # the tbots that wait for an answer at the same time
THOUSAND = 1000  # events between two looks at what they cost
_LENGTH = re.compile(rb"content-length: ([0-9]+)")
_TICK = 0.002  # seconds
LEAST_RATE = 2000  # events a second
MOST_LATENCY = 50  # milliseconds that 99 of 100 acknowledgements take at most
MOST_MEMORY = 120  # MiB, all processes of the receiver together
MOST_GROWTH = 1.5  # the cost of the last thousand events to that of the first


class Used(NamedTuple):
    """What all processes of a receiver have used up together.

    Attributes:
        cpu: seconds of processor time since they began.
        memory: resident memory in MiB.
    """

    cpu: float
    memory: float

    @classmethod
    def by(cls, pid: int) -> Used:
        """Look at a process and its children (Linux)."""
        lists = Path(f"/proc/{pid}/task").glob("*/children")
        processes = [str(pid), *(child for names in lists for child in names.read_text().split())]
        stats = [Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split() for one in processes]
        ticks = sum(int(stat[11]) + int(stat[12]) for stat in stats)
        pages = sum(int(stat[21]) for stat in stats)
        return cls(ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE") / 2**20)


@dataclass
class Played:
    """What the tbots saw.

    Attributes:
        latencies: seconds from the time at which each event was due to its acknowledgement, in order of arrival.
        acknowledged: the sessions of the acknowledged events.
        refused: the number of those that were not.
        samples: what the receiver had used up by then, once in a thousand acknowledgements.
    """

    latencies: list[float] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    refused: int = 0
    samples: list[Used] = field(default_factory=list)


class Tbot(asyncio.Protocol):
    """One connection, which sends an event at a time."""

    def __init__(self, events: list[tuple[str, bytes]], due: asyncio.Queue[float], played: Played) -> None:
        """Take sessions and requests from a list, and the times at which they are due from a queue."""
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
        """Take an answer."""
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if end and self._answer is not None and len(body) >= int(_LENGTH.findall(head)[0]):
            self._answer.set_result(head)

    def connection_lost(self, _: Exception | None) -> None:
        """Tell that it is over."""
        self._over.set()

    async def end(self) -> None:
        """Close the connection."""
        self._transport.close()
        await self._over.wait()

    async def play(self) -> None:
        """Send what is due, for ever."""
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


async def play(port: int, rate: int, seconds: float, played: Played) -> None:
    """Send so many events a second for so long."""
    due = asyncio.Queue[float]()
    total = int(rate * seconds)
    # Made beforehand: the tbots of a fleet would not take their time from the receiver's processor.
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
    for task in playing:
        task.cancel()
    for tbot in tbots:
        await tbot.end()


async def watch(pid: int, played: Played) -> None:
    """Look at what a receiver has used up, once in a thousand acknowledgements, for ever."""
    while True:
        if len(played.acknowledged) >= len(played.samples) * THOUSAND:
            played.samples.append(Used.by(pid))
        await asyncio.sleep(_TICK)


async def play_and_watch(running: Running, rate: int, seconds: float) -> Played:
    """Play, and look at the receiver meanwhile."""
    played = Played()
    watching = asyncio.create_task(watch(running.process.pid, played))
    await play(running.port, rate, seconds, played)
    watching.cancel()
    return played


def percentile(values: list[float], share: float) -> float:
    """Return the value below which such a share lies, in milliseconds."""
    return sorted(values)[int(len(values) * share)] * 1000


def sessions_of(collector: Collector) -> list[str]:
    """Return the sessions of all events that the Collector has accepted."""
    return [
        attribute["value"]["stringValue"]
        for export in collector.requests("logs")
        for of_resource in export["resourceLogs"]
        for attribute in of_resource["resource"]["attributes"]
        if attribute["key"] == "session.id"
    ]


def measure(rate: int, seconds: float, protocol: str) -> dict[str, Any]:
    """Play, and return the figures."""
    binary = find_collector()
    if binary is None:
        sys.exit("no OpenTelemetry Collector: set OTELCOL to its path, or put otelcol on PATH")
    with tempfile.TemporaryDirectory() as folder, Collector(binary, Path(folder)) as collector:
        variables = {
            "TELEPORT_ANONYMOUS_TELEMETRY": "1",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoints[protocol],
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        }
        with Running("--peer-rate", "1000000", strict=False, variables=variables) as running:
            asyncio.run(play(running.port, 100, 1, Played()))  # the first ones load what the others find loaded
            begun = time.perf_counter()
            played = asyncio.run(play_and_watch(running, rate, seconds))
            took = time.perf_counter() - begun
            running.stop()
        arrived = sessions_of(collector)
    samples = played.samples
    costs = [later.cpu - earlier.cpu for earlier, later in itertools.pairwise(samples)]
    return {
        "events_per_second": round(len(played.acknowledged) / took),
        "acknowledged": len(played.acknowledged),
        "refused": played.refused,
        "lost": len(set(played.acknowledged) - set(arrived)),
        "p50_ms": round(percentile(played.latencies, 0.5), 1),
        "p99_ms": round(percentile(played.latencies, 0.99), 1),
        "memory_mib_first": round(samples[0].memory, 1),
        "memory_mib_most": round(max(sample.memory for sample in samples), 1),
        "cpu_us_per_event": round(sum(costs) / len(costs) * 1000),
        "last_to_first_thousand": round(costs[-1] / costs[0], 2),
    }


def main() -> int:
    """Measure, print the figures as JSON, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=LEAST_RATE)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--protocol", choices=["http/protobuf", "grpc"], default="http/protobuf")
    figures = measure(**vars(parser.parse_args()))
    print(json.dumps(figures, indent=2))  # noqa: T201  the result
    kept = (
        figures["lost"] == figures["refused"] == 0
        and figures["p99_ms"] < MOST_LATENCY
        and figures["memory_mib_most"] < MOST_MEMORY
        and figures["last_to_first_thousand"] < MOST_GROWTH
    )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
