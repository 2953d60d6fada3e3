"""What starts cost in ClickHouse's engine, next to the same starts in a file, and whether both give the same figures.

`python -m benchmarks.clickhouse_storage [STARTS]`, in the environment of `make clickhouse`. With `--table` before the
number, the engine itself generates the starts, and is compared with a Parquet file of the same starts.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from otel_tbot.report.clickhouse_ddl import DAILY, STARTS
from otel_tbot.report.clickhouse_store import query_clickhouse
from otel_tbot.report.compute import compute_figures
from otel_tbot.report.duckdb_store import read_starts
from otel_tbot.report.store import Period
from tests.clickhouse.mixed_starts import unusual_starts
from tests.support.chdb_front import PASSWORD
from tests.support.clickhouse import ClickHouse
from tests.support.stored_starts import Truth, generate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from otel_tbot.report.figures import Figures
    from otel_tbot.report.store import Starts

_STARTS = 1_000_000
_BATCH = 50_000  # records of one INSERT
_DAYS = 90
_LONG_DAYS = 180
_DATABASE = "otel"
_HEAD = "| where | rows | bytes | bytes a row | report |\n|---|---|---|---|---|"

# A few values are frequent and many are rare, as in fleets.
_CHOICE = "[{values}][1 + toUInt32({number} * pow(rand({seed}) / 4294967296, 3))]"


def _choice(seed: int, values: list[str]) -> str:
    texts = ", ".join(f"'{value}'" if value else "NULL" for value in values)
    return _CHOICE.format(values=texts, number=len(values), seed=seed)


_VERSIONS = [f"{major}.{minor}.{patch}" for major in (18, 17, 16) for minor in range(4) for patch in range(3)]
_JOIN_TYPES = ["github", "kubernetes", "iam", "token", "gitlab", "bound_keypair", "azure", "gcp", "tpm", "circleci"]
_FILL = f"""
INSERT INTO {{table}} SELECT
    toDateTime('2026-01-01', 'UTC') + toUInt32(number * {{apart}}) AS time, generateUUIDv4(number) AS session,
    {_choice(1, ["linux", "linux", "darwin", "windows"])} AS os, {_choice(2, ["amd64", "amd64", "arm64"])} AS arch,
    if(rand(3) % 4 = 0, 'daemon', 'one-shot') AS run_mode, {_choice(4, _VERSIONS)} AS version,
    {_choice(5, _JOIN_TYPES)} AS join_type,
    {_choice(6, ["", "gha:teleport-actions/auth", "terraform:provider"])} AS helper,
    if(helper IS NULL, NULL, '1.0.0') AS helper_version,
    1 AS destinations_other, rand(7) % 20 = 0 AS destinations_database,
    rand(8) % 5 = 0 AS destinations_kubernetes, rand(9) % 9 = 0 AS destinations_application
FROM numbers({{count}})
"""  # noqa: S608


@contextmanager
def _server() -> Iterator[tuple[ClickHouse, Path]]:
    """Run a server with all tables, and a folder for files, for the duration of the context."""
    os.environ["CLICKHOUSE_PASSWORD"] = PASSWORD
    with tempfile.TemporaryDirectory() as name, ClickHouse(Path(name) / "data") as server:
        server.make_all(_DATABASE)
        yield server, Path(name)


def print_table(count: int) -> None:
    """Store the starts in both, report on both, and print the cost."""
    with _server() as (server, folder):
        file = folder / "starts.jsonl"
        inserting = _store(server, file, count)
        print(f"\n{count:,} records and odd ones; INSERTs of {_BATCH:,}: {inserting:.0f} s\n")
        print(_HEAD)
        in_file, seconds = _figures(read_starts([str(file)], period=Period(), memory="1GB"))
        _print("a file of OTLP/JSON", count, file.stat().st_size, seconds)
        address = server.address(_DATABASE)
        in_database, seconds = _figures(query_clickhouse(address, period=Period(), timeout=600))
        _print_parts(server, f"`{STARTS}`, as inserted", STARTS, seconds)
        since = Period(since=in_file.last.replace(day=1, hour=0, minute=0, second=0))
        _, seconds = _figures(query_clickhouse(address, period=since, timeout=600))
        _print("its last month", 0, None, seconds)
        server.run(f"OPTIMIZE TABLE {STARTS} FINAL", _DATABASE)
        _, seconds = _figures(query_clickhouse(address, period=Period(), timeout=600))
        _print_parts(server, f"`{STARTS}`, merged", STARTS, seconds)
        _count_days(server)
        _print_parts(server, f"`{DAILY}`", DAILY)
        _print_parts(server, "`otel_logs`, of tests", "otel_logs")
        _print_same(in_database, in_file)


def print_large_table(count: int) -> None:
    """Fill only the table, and print the cost of it and of a file of the same starts."""
    with _server() as (server, folder):
        begin = time.monotonic()
        server.run(_FILL.format(table=STARTS, count=count, apart=_LONG_DAYS * 86400 / count), _DATABASE)
        print(f"\n{count:,} starts of {_LONG_DAYS} days; INSERT of all: {time.monotonic() - begin:.0f} s\n")
        print(_HEAD)
        _count_days(server)
        address = server.address(_DATABASE)
        in_database, seconds = _figures(query_clickhouse(address, period=Period(), timeout=600))
        _print_parts(server, f"`{STARTS}`", STARTS, seconds)
        since = Period(since=in_database.last - timedelta(days=30))
        of_month, seconds = _figures(query_clickhouse(address, period=since, timeout=600))
        _print("its last 30 days", sum(number or 0 for number in of_month.starts.values()), None, seconds)
        _print_parts(server, f"`{DAILY}`", DAILY)
        file = folder / "starts.parquet"
        with query_clickhouse(address, period=Period(), timeout=600) as starts:
            file.write_bytes(starts.as_parquet())
        in_file, seconds = _figures(read_starts([str(file)], period=Period(), memory="1GB"))
        _print("a Parquet file", count, file.stat().st_size, seconds)
        _print_same(in_database, in_file)


def _count_days(server: ClickHouse) -> None:
    server.run(f"SYSTEM REFRESH VIEW {DAILY}_view", _DATABASE)
    server.run(f"SYSTEM WAIT VIEW {DAILY}_view", _DATABASE)
    server.run(f"OPTIMIZE TABLE {DAILY} FINAL", _DATABASE)


def _print_same(in_database: Figures, in_file: Figures) -> None:
    same = in_database == replace(in_file, left_out=in_database.left_out)
    print(f"\nThe figures are the same: {'yes' if same else '**no**'}", flush=True)


def _store(server: ClickHouse, file: Path, count: int) -> float:
    """Write all lines into the file and the database, and return the seconds of the INSERTs."""
    lines = chain(generate(count, Truth(), days=_DAYS), unusual_starts())
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


def _print(what: str, rows: int, size: int | None, seconds: float | None) -> None:
    taken = "" if seconds is None else f"{seconds:.1f} s"
    stored = " | " if size is None else f"{size:,} | {size / max(1, rows):.1f}"
    print(f"| {what} | {rows:,} | {stored} | {taken} |", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--table"]:
        print_large_table(int(sys.argv[2]))
    else:
        print_table(int(sys.argv[1]) if len(sys.argv) > 1 else _STARTS)
