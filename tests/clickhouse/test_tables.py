"""The tables and views of `otel-tbot schema --format clickhouse` store each start once, and count it once a day."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.error import HTTPError

import pytest

from otel_tbot.report.clickhouse_ddl import DAILY, STARTS
from tests.clickhouse.mixed_starts import mixed
from tests.support.stored_starts import line

if TYPE_CHECKING:
    from tests.support.clickhouse import ClickHouse

DAYS = 101  # one more than an INSERT may have partitions


def made(server: ClickHouse, database: str, layout: str = "without") -> str:
    """Create a database with all tables and views, and return its name."""
    server.make_all(database, layout)
    return database


def test_repeatable(server: ClickHouse) -> None:
    """All statements can be run again, and change nothing."""
    database = made(server, "again")
    server.insert(database, [line(version="18.2.3"), line(signal="traces")])
    before = server.rows(f"SELECT * FROM {STARTS} FINAL ORDER BY ALL", database)
    server.run_schema(database)
    assert server.rows(f"SELECT * FROM {STARTS} FINAL ORDER BY ALL", database) == before
    assert len(before) == len(("the log", "the span"))


def test_equal_deliveries_become_one_row(server: ClickHouse) -> None:
    """Equal deliveries become one row, from either table, and remain one after parts are merged."""
    database = made(server, "equal")
    session = "5f0e8a52-9c1f-4b8e-a7d3-2a6f0c7be1d4"
    for signal in ("logs", "traces", "logs"):
        server.insert(database, [line(session=session, signal=signal)])
    assert server.rows(f"SELECT count(*) FROM {STARTS} FINAL", database) == [[1]]
    server.run(f"OPTIMIZE TABLE {STARTS} FINAL", database)
    assert server.rows(f"SELECT count(*) FROM {STARTS}", database) == [[1]]


def test_other_services(server: ClickHouse) -> None:
    """A record of another service is not a start, even with the same attributes."""
    database = made(server, "services")
    server.insert(database, [line(resource={"service.name": "billing"}), line(name="other.event"), line()])
    assert server.rows(f"SELECT count(*) FROM {STARTS}", database) == [[1]]


def test_daily(server: ClickHouse) -> None:
    """The daily table counts each session once per day and value, no matter how often it is refreshed."""
    database = made(server, "daily")
    server.insert(database, mixed(500, days=9))
    for _ in range(2):
        server.run(f"SYSTEM REFRESH VIEW {DAILY}_view", database)
        server.run(f"SYSTEM WAIT VIEW {DAILY}_view", database)
    first = f"(SELECT * FROM {STARTS} FINAL ORDER BY ALL LIMIT 1 BY session)"
    expected = server.rows(
        "SELECT CAST(time AS DATE) AS day, run_mode, coalesce(version, '(not set)') AS named, count(*) "
        f"FROM {first} GROUP BY ALL ORDER BY ALL",
        database,
    )
    counted = f"SELECT day, run_mode, version, sum(starts) FROM {DAILY} FINAL GROUP BY ALL ORDER BY ALL"
    assert server.rows(counted, database) == expected
    assert len(expected) > 50


def test_days_of_one_insert(server: ClickHouse) -> None:
    """One INSERT may contain more days than an INSERT may have partitions, so daily partitions would fail."""
    database = made(server, "days")
    starts = f"SELECT toDateTime('2026-01-01', 'UTC') + INTERVAL number DAY AS time FROM numbers({DAYS})"
    server.run(f"INSERT INTO {STARTS} (time) {starts}", database)
    server.run(
        "CREATE TABLE by_day (time DateTime('UTC')) ENGINE = MergeTree PARTITION BY toDate(time) ORDER BY time",
        database,
    )
    with pytest.raises(HTTPError) as refused:
        server.run(f"INSERT INTO by_day {starts}", database)
    assert b"TOO_MANY_PARTS" in refused.value.read()
