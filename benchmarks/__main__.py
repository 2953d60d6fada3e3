"""`python -m benchmarks [ROUNDS]`, from the source tree: measures every row and prints the tables, in Markdown."""

from __future__ import annotations

import os
import platform
import statistics
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import report, serve
from benchmarks.call_rows import configuration_rows, construction_rows, dropping_rows
from benchmarks.measure import Spread, interleaved
from benchmarks.process_rows import Bench, process_rows
from otel_tbot.testing import OTLPReceiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.row import Row

ROUNDS = 31  # an odd number, so that the median is a sample
_UNITS = {"s": ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")), "B": ((2**20, "MiB"),)}


def _rows(folder: Path, receiver: OTLPReceiver) -> Iterator[Row]:
    yield from process_rows(Bench(folder, receiver))
    yield from construction_rows()
    yield from dropping_rows()
    yield from configuration_rows(folder)


def _line(row: Row, rounds: int) -> str:
    probes = {"ours": row.ours, "theirs": row.theirs, **({"above": row.above} if row.above else {})}
    samples = interleaved(probes, rounds)
    above = samples.get("above", [0.0] * rounds)
    ours = [sample - part for sample, part in zip(samples["ours"], above, strict=True)]
    theirs = samples["theirs"]
    # The ratio of each round, because a machine that slows down for a while does so for both samples of a round.
    ratio = statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))
    cells = (
        row.what,
        _amount(Spread.of(ours), row.unit),
        row.reference,
        _amount(Spread.of(theirs), row.unit),
        f"{ratio:.2f}",
        "" if row.budget is None else f"{row.budget:g}",
        "" if row.budget is None else "yes" if ratio <= row.budget else "**no**",
    )
    return f"| {' | '.join(cells)} |"


def _amount(spread: Spread, unit: str) -> str:
    scales = _UNITS[unit]
    size, name = next((scale for scale in scales if spread.median >= scale[0]), scales[-1])
    return f"{spread.median / size:.3g} {name} ± {spread.quartiles:.0%}"


def main() -> None:
    """Print the tables."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    print(
        f"Python {platform.python_version()}, OpenTelemetry SDK {version('opentelemetry-sdk')}, {platform.system()} "
        f"{platform.machine()}, {os.cpu_count()} cores, {rounds} interleaved rounds; medians, the distance of the "
        "quartiles as a share of the median, and the median of the rounds' ratios.\n"
    )
    print("| what | ours | compared with | theirs | ratio | budget | met |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, OTLPReceiver() as receiver:
        for row in _rows(Path(folder), receiver):
            print(_line(row, rounds), flush=True)
    print()
    serve.print_table()
    print()
    report.print_tables()


if __name__ == "__main__":
    main()
