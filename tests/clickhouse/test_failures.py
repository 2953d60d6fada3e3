"""An error of the engine is reported in one line that says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from otel_tbot.errors import ReportError
from otel_tbot.report.clickhouse_ddl import STARTS
from otel_tbot.report.clickhouse_store import query_clickhouse
from otel_tbot.report.store import Period
from tests.support import program
from tests.support.chdb_front import PASSWORD
from tests.support.stored_starts import line

if TYPE_CHECKING:
    from tests.support.clickhouse import ClickHouse

LAYOUT = f"has a table {STARTS} with another layout: recreate it with what otel-tbot schema --format clickhouse prints"


def failed(address: str, *options: str, password: str = PASSWORD, status: int = 2) -> str:
    """Return the error message of a report."""
    ended = program.run("report", *options, address, environ={"CLICKHOUSE_PASSWORD": password})
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (status, "", 1)
    assert password not in ended.stderr
    return ended.stderr.removeprefix("otel-tbot: ").rstrip()


def test_wrong_password(server: ClickHouse) -> None:
    """For a wrong password, the message names the variable and does not show the password."""
    expected = "refused the user or the password: check the user in the address, and set CLICKHOUSE_PASSWORD"
    line_ = failed(server.address("default"), password="battery staple")
    assert line_ == f"ClickHouse at 127.0.0.1:{server.port} {expected}"


def test_no_database(server: ClickHouse) -> None:
    """A missing database is distinguished from a missing table."""
    assert "has no database with that name" in failed(server.address("nowhere"))


def test_no_table(server: ClickHouse) -> None:
    """For a missing table, the message names the command that prints it."""
    server.run("CREATE DATABASE empty")
    expected = f"has no table {STARTS} in that database: run what otel-tbot schema --format clickhouse prints"
    assert expected in failed(server.address("empty"))


@pytest.mark.parametrize(
    "change",
    [
        f"CREATE TABLE {STARTS} (time DateTime('UTC'), session UUID) ENGINE = ReplacingMergeTree ORDER BY time",
        f"CREATE VIEW {STARTS} AS SELECT now() AS time",
    ],
    ids=["fewer columns", "a view"],
)
def test_other_layouts(server: ClickHouse, change: str, request: pytest.FixtureRequest) -> None:
    """A table with another layout is reported as such."""
    database = request.node.callspec.id
    server.run(f"CREATE DATABASE `{database}`")
    server.run(change, database)
    assert LAYOUT in failed(server.address(database.replace(" ", "%20")))


def test_slow_query(server: ClickHouse) -> None:
    """The engine stops a query that takes longer than --timeout, because it gets the limit."""
    server.run("CREATE DATABASE slow")
    columns = ", ".join(
        f"{name} LowCardinality(Nullable(String))"
        for name in ("os", "arch", "run_mode", "version", "helper", "helper_version")
    )
    numbers = ", ".join(f"destinations_{kind} UInt32" for kind in ("other", "database", "kubernetes", "application"))
    server.run(
        f"CREATE TABLE {STARTS} (time DateTime('UTC'), session UUID, {columns}, {numbers}, "
        "join_type String ALIAS toString(sleepEachRow(0.5))) ENGINE = ReplacingMergeTree ORDER BY (time, session)",
        "slow",
    )
    server.run(f"INSERT INTO {STARTS} (time, session) SELECT '2026-06-01', generateUUIDv4() FROM numbers(5)", "slow")
    assert "did not answer within 1 seconds" in failed(server.address("slow"), "--timeout", "1")


def test_nothing_found(server: ClickHouse) -> None:
    """A database without starts, or without any in the period, gives status 1 like a file does."""
    server.make_all("nothing")
    assert failed(server.address("nothing"), status=1) == "no event tbot.start was found"
    server.insert("nothing", [line()])
    found = failed(server.address("nothing"), "--since", "2026-07-01", status=1)
    assert found == "no event tbot.start was found in that period"


def test_too_many_rows(server: ClickHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine stops a query that returns more rows than a report can hold, because it gets the limit."""
    monkeypatch.setenv("CLICKHOUSE_PASSWORD", PASSWORD)
    server.make_all("rows")
    server.insert("rows", [line()])
    with query_clickhouse(server.address("rows"), period=Period(), timeout=60) as starts:
        assert len(starts.query("SELECT number FROM numbers(1000000)")) == 1_000_000
        with pytest.raises(ReportError, match="would return too many rows: choose a later --since"):
            starts.query("SELECT number FROM numbers(2000000)")
