"""What starts cost in ClickHouse's engine, next to the same starts in a file, and whether both give the same figures.

`python -m benchmarks.clickhouse [STARTS]`, in the environment of `make clickhouse`.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from otel_tbot.report.clickhouse_schema import DAILY, STARTS, statements
from otel_tbot.report.clickhouse_store import ask_clickhouse
from otel_tbot.report.compute import compute_figures
from otel_tbot.report.starts import Period
from otel_tbot.report.store import read_starts
from tests.clickhouse.mixed_starts import odd
from tests.support.chdb_front import PASSWORD
from tests.support.clickhouse import ClickHouse
from tests.support.stored_starts import Truth, generate

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from otel_tbot.report.figures import Figures
    from otel_tbot.report.starts import Starts

_STARTS = 1_000_000
_BATCH = 50_000  # records of one INSERT
_DAYS = 90
_DATABASE = "otel"


def print_table(count: int) -> None:
    """Store the starts in both, report on both, and print what it took."""
    os.environ["CLICKHOUSE_PASSWORD"] = PASSWORD
    with tempfile.TemporaryDirectory() as name, ClickHouse(Path(name) / "data") as server:
        server.make_tables(_DATABASE, "without")
        for statement in statements():
            server.run(statement, _DATABASE)
        file = Path(name) / "starts.jsonl"
        inserting = _store(server, file, count)
        print(f"\n{count:,} records and odd ones; INSERTs of {_BATCH:,}: {inserting:.0f} s\n")
        print("| where | rows | bytes | bytes a row | report |")
        print("|---|---|---|---|---|")
        in_file, seconds = _figures(read_starts([str(file)], period=Period(), memory="1GB"))
        _print("a file of OTLP/JSON", count, file.stat().st_size, seconds)
        address = server.address(_DATABASE)
        in_database, seconds = _figures(ask_clickhouse(address, period=Period(), timeout=600))
        _print_parts(server, f"`{STARTS}`, as inserted", STARTS, seconds)
        since = Period(since=in_file.last.replace(day=1, hour=0, minute=0, second=0))
        _, seconds = _figures(ask_clickhouse(address, period=since, timeout=600))
        _print_parts(server, "its last month", STARTS, seconds)
        server.run(f"OPTIMIZE TABLE {STARTS} FINAL", _DATABASE)
        _, seconds = _figures(ask_clickhouse(address, period=Period(), timeout=600))
        _print_parts(server, f"`{STARTS}`, merged", STARTS, seconds)
        server.run(f"SYSTEM REFRESH VIEW {DAILY}_view", _DATABASE)
        server.run(f"SYSTEM WAIT VIEW {DAILY}_view", _DATABASE)
        server.run(f"OPTIMIZE TABLE {DAILY} FINAL", _DATABASE)
        _print_parts(server, f"`{DAILY}`", DAILY)
        _print_parts(server, "`otel_logs`, of tests", "otel_logs")
        same = in_database == replace(in_file, left_out=in_database.left_out)
        print(f"\nThe figures are the same: {'yes' if same else '**no**'}")


def _store(server: ClickHouse, file: Path, count: int) -> float:
    """Write all lines into the file and the database, and return the seconds of the INSERTs."""
    lines = chain(generate(count, Truth(), days=_DAYS), odd())
    seconds = 0.0
    with file.open("wb") as written:
        while batch := [*islice(lines, _BATCH)]:
            written.writelines(batch)
            seconds += server.insert(_DATABASE, batch)
    return seconds


def _figures(opened: AbstractContextManager[Starts]) -> tuple[Figures, float]:
    begin = time.monotonic()
    with opened as starts:
        figures = compute_figures(starts, at_least=1, supported_majors=2)
    return figures, time.monotonic() - begin


def _print_parts(server: ClickHouse, what: str, table: str, seconds: float | None = None) -> None:
    query = f"SELECT sum(rows), sum(bytes_on_disk) FROM system.parts WHERE active AND table = '{table}'"  # noqa: S608
    ((rows, size),) = server.rows(query, _DATABASE)
    _print(what, int(rows), int(size), seconds)


def _print(what: str, rows: int, size: int, seconds: float | None) -> None:
    taken = "" if seconds is None else f"{seconds:.1f} s"
    print(f"| {what} | {rows:,} | {size:,} | {size / max(1, rows):.1f} | {taken} |", flush=True)


if __name__ == "__main__":
    print_table(int(sys.argv[1]) if len(sys.argv) > 1 else _STARTS)
