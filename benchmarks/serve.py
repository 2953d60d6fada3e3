"""The load that a receiver can take: a fleet of tbots in front, a real Collector behind it, and what arrives there.

`python -m benchmarks.serve [SECONDS]` measures this alone; with `--receivers`, several receivers that share the load.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from tests.integration.receiver.load import LoadResult, play, sessions_of
from tests.integration.receiver.receiver_process import RunningReceiver
from tests.support.collector import Collector, find_collector, free_ports, listens, wait_until

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Iterator

Result = TypeVar("Result")

RATE = 2000  # events a second that must be acknowledged
PLAYED = 2100  # sent, to allow for the time until the last answer
SECONDS = 30.0
MOST_LATENCY = 50.0  # milliseconds, for 99 of 100 acknowledgements
MOST_MEMORY = 120.0  # MiB, all processes of the receiver together
_RECEIVERS = (1, 2, 4)
MOST_GROWTH = 1.5  # the cost of the last thousand events, as a multiple of that of the first
_THOUSAND = 1000  # events between two samples of their cost
_LOOK_EVERY = 0.002  # seconds


class Used(NamedTuple):
    """What all processes of a receiver have used together.

    Attributes:
        cpu: seconds of processor time since their start.
        memory: resident memory in MiB.
    """

    cpu: float
    memory: float

    @classmethod
    def by(cls, pid: int) -> Used:
        """Return the usage of a process and its children (Linux)."""
        lists = Path(f"/proc/{pid}/task").glob("*/children")
        processes = [str(pid), *(child for names in lists for child in names.read_text().split())]
        stats = [Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split() for one in processes]
        ticks = sum(int(stat[11]) + int(stat[12]) for stat in stats)
        pages = sum(int(stat[21]) for stat in stats)
        return cls(ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE") / 2**20)


class _Figure(NamedTuple):
    """One row of the table; `met` is None for what has no budget."""

    what: str
    measured: str
    budget: str = ""
    met: bool | None = None


async def _watch(pid: int, played: LoadResult, samples: list[Used]) -> None:
    """Sample the usage of a receiver once every thousand acknowledgements, forever."""
    while True:
        if len(played.acknowledged) >= len(samples) * _THOUSAND:
            samples.append(Used.by(pid))
        await asyncio.sleep(_LOOK_EVERY)


async def _play_and_watch(running: RunningReceiver, seconds: float, played: LoadResult) -> list[Used]:
    samples: list[Used] = []
    watching = asyncio.create_task(_watch(running.process.pid, played, samples))
    await play(running.port, PLAYED, seconds, played)
    watching.cancel()
    return samples


def _run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run the fleet on the fast event loop, because it shares the cores with the receiver."""
    import uvloop  # noqa: PLC0415  from the extra `serve`, which the other rows do not need

    return uvloop.run(work)


def _percentile(values: list[float], share: float) -> float:
    """Return the percentile of a share from 0 to 1, in milliseconds."""
    return sorted(values)[int(len(values) * share)] * 1000


def _figures(collector: Collector, protocol: str, seconds: float) -> Iterator[_Figure]:
    """Play the load, and yield the results."""
    variables = {
        "TELEPORT_ANONYMOUS_TELEMETRY": "1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoints[protocol],
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
    }
    played = LoadResult()
    with RunningReceiver("--peer-rate", "1000000", strict=False, variables=variables) as running:
        _run(play(running.port, 100, 1, LoadResult()))  # the first ones load modules and code
        samples = _run(_play_and_watch(running, seconds, played))
        running.stop()
    costs = [later.cpu - earlier.cpu for earlier, later in itertools.pairwise(samples)]
    rate = len(played.acknowledged) / played.took
    lost = len(set(played.acknowledged) - set(sessions_of(collector)))
    late = _percentile(played.latencies, 0.99)
    memory = max(sample.memory for sample in samples)
    growth = costs[-1] / costs[0]
    yield _Figure("events a second, acknowledged", f"{rate:.0f}", f"{RATE}", rate >= RATE)
    yield _Figure("acknowledged", f"{len(played.acknowledged)}")
    yield _Figure("refused", f"{played.refused}", "0", played.refused == 0)
    yield _Figure("acknowledged, and lost before the Collector", f"{lost}", "0", lost == 0)
    yield _Figure("half of all acknowledged within", f"{_percentile(played.latencies, 0.5):.1f} ms")
    yield _Figure("99 of 100 acknowledged within", f"{late:.1f} ms", f"{MOST_LATENCY:g} ms", late < MOST_LATENCY)
    yield _Figure("memory at the first thousand", f"{samples[0].memory:.0f} MiB")
    yield _Figure("memory at most", f"{memory:.0f} MiB", f"{MOST_MEMORY:g} MiB", memory < MOST_MEMORY)
    yield _Figure("processor time for an event", f"{sum(costs) / len(costs) * 1000:.0f} µs")
    yield _Figure("the last thousand compared with the first", f"{growth:.2f}", f"{MOST_GROWTH}", growth <= MOST_GROWTH)


def _floor(seconds: float) -> Iterator[_Figure]:
    """Play to a handler that does nothing, and yield the cost of the library and the server alone."""
    (port,) = free_ports(1)
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.empty_handler", str(port)])  # noqa: S603  our own module
    try:
        wait_until(lambda: listens(port), "the empty handler listens")
        played = LoadResult()
        _run(play(port, 100, 1, LoadResult()))
        before, own = Used.by(process.pid), time.process_time()
        _run(play(port, PLAYED, seconds, played))
        after, own = Used.by(process.pid), time.process_time() - own
    finally:
        process.kill()
        process.wait()
    events = len(played.acknowledged)
    yield _Figure("events a second, acknowledged", f"{events / played.took:.0f}")
    yield _Figure("half of all acknowledged within", f"{_percentile(played.latencies, 0.5):.1f} ms")
    yield _Figure("99 of 100 acknowledged within", f"{_percentile(played.latencies, 0.99):.1f} ms")
    yield _Figure("processor time for an event", f"{(after.cpu - before.cpu) / events * 1e6:.0f} µs")
    yield _Figure("processor time of the fleet for an event", f"{own / events * 1e6:.0f} µs")


def _print(title: str, figures: Iterable[_Figure]) -> None:
    print(f"{title}:\n")
    print("| what | measured | budget | met |")
    print("|---|---|---|---|")
    for figure in figures:
        met = {True: "yes", False: "**no**", None: ""}[figure.met]
        print(f"| {figure.what} | {figure.measured} | {figure.budget} | {met} |", flush=True)
    print()


def print_table(seconds: float = SECONDS) -> None:
    """Measure, and print a table in Markdown; without a Collector or the extra, report what is missing."""
    binary = find_collector()
    if binary is None or not find_spec("connectrpc"):
        print("`serve` was not measured: it needs the extra `serve` and a Collector, whose path is in `OTELCOL`.")
        return
    for protocol in ("http/protobuf", "grpc"):
        with tempfile.TemporaryDirectory() as folder, Collector(binary, Path(folder)) as collector:
            title = f"`serve` under {PLAYED} events a second for {seconds:g} s, exporting by {protocol}"
            _print(title, _figures(collector, protocol, seconds))
    _print("An empty handler under the same library and server, with the same fleet", _floor(seconds))


async def _play_to_all(receivers: list[RunningReceiver], seconds: float, played: list[LoadResult]) -> None:
    rate = PLAYED // len(receivers)
    sides = zip(receivers, played, strict=True)
    await asyncio.gather(*(play(running.port, rate, seconds, result) for running, result in sides))


def print_receivers(seconds: float) -> None:
    """Spread the same load over several receivers, as a balancer does, and print the cost for each number of them."""
    binary = find_collector()
    if binary is None or not find_spec("connectrpc"):
        print("`serve` was not measured: it needs the extra `serve` and a Collector, whose path is in `OTELCOL`.")
        return
    print("| receivers | events a second | refused | 99 of 100 within | processor time for an event | memory |")
    print("|---|---|---|---|---|---|")
    for number in _RECEIVERS:
        with (
            tempfile.TemporaryDirectory() as folder,
            Collector(binary, Path(folder)) as collector,
            ExitStack() as stack,
        ):
            variables = {
                "TELEPORT_ANONYMOUS_TELEMETRY": "1",
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoints["http/protobuf"],
            }
            receivers = [
                stack.enter_context(RunningReceiver("--peer-rate", "1000000", strict=False, variables=variables))
                for _ in range(number)
            ]
            for running in receivers:
                _run(play(running.port, 100, 1, LoadResult()))
            before = [Used.by(running.process.pid) for running in receivers]
            played = [LoadResult() for _ in receivers]
            _run(_play_to_all(receivers, seconds, played))
            after = [Used.by(running.process.pid) for running in receivers]
        events = sum(len(result.acknowledged) for result in played)
        late = _percentile([latency for result in played for latency in result.latencies], 0.99)
        cpu = sum(used.cpu for used in after) - sum(used.cpu for used in before)
        print(
            f"| {number} | {events / max(result.took for result in played):.0f} | "
            f"{sum(result.refused for result in played)} | {late:.0f} ms | {cpu / events * 1e6:.0f} µs | "
            f"{sum(used.memory for used in after):.0f} MiB |",
            flush=True,
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--receivers"]:
        print_receivers(SECONDS)
    else:
        print_table(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS)
