"""Both engines give the same figures for the same starts, in any layout of the Collector's tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from otel_tbot.report.clickhouse_store import query_clickhouse
from otel_tbot.report.compute import compute_figures
from otel_tbot.report.duckdb_store import read_starts
from otel_tbot.report.figures import Figures, LeftOut
from otel_tbot.report.store import Period
from tests.clickhouse.mixed_starts import mixed
from tests.support.collector_tables import LAYOUTS

if TYPE_CHECKING:
    from pathlib import Path

    from otel_tbot.report.store import Starts
    from tests.support.clickhouse import ClickHouse

pytestmark = pytest.mark.usefixtures("_password")

STARTS = 20_000
FEW = 500
NOTHING = LeftOut(unreadable_lines=0, invalid=0, repeated=0, implausible_time=0, outside_period=0)
PERIODS = {
    "everything": Period(),
    "from a midnight": Period(since=datetime(2026, 6, 21)),
    "from within a second": Period(since=datetime(2026, 6, 21, 12, 0, 0, 1)),
    "of a month": Period(since=datetime(2026, 7, 1), until=datetime(2026, 8, 1)),
    "of a few days": Period(since=datetime(2026, 6, 3), until=datetime(2026, 6, 6, 23, 59, 59, 500_000)),
}


def figures(starts: Starts, at_least: int) -> Figures:
    """Return all figures except the numbers of lines left out, which a database does not have."""
    return replace(compute_figures(starts, at_least=at_least, supported_majors=2), left_out=NOTHING)


def both(
    server: ClickHouse, database: str, file: Path, *, period: Period, at_least: int = 1
) -> tuple[Figures, Figures]:
    """Return the figures of a file and of a database."""
    with read_starts([str(file)], period=period, memory="1GB") as read:
        of_file = figures(read, at_least)
    with query_clickhouse(server.address(database), period=period, timeout=60) as asked:
        return of_file, figures(asked, at_least)


@pytest.fixture(scope="session")
def stored(server: ClickHouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Store many starts in the database `many`, and return the file of them."""
    lines = mixed(STARTS)
    file = tmp_path_factory.mktemp("many") / "starts.jsonl"
    file.write_bytes(b"".join(lines))
    server.make_all("many")
    server.insert("many", lines)
    return file


@pytest.mark.parametrize("period", PERIODS.values(), ids=PERIODS)
def test_periods(server: ClickHouse, stored: Path, period: Period) -> None:
    """Every figure of every period is the same."""
    of_file, of_database = both(server, "many", stored, period=period)
    assert of_database == of_file


def test_suppression(server: ClickHouse, stored: Path) -> None:
    """The same numbers are suppressed."""
    of_file, of_database = both(server, "many", stored, period=Period(), at_least=200)
    assert of_database == of_file


@pytest.mark.usefixtures("stored")
def test_months_that_are_read(server: ClickHouse) -> None:
    """A report of a period reads its own months, and the month before its first day."""
    period = PERIODS["of a month"]
    with query_clickhouse(server.address("many"), period=period, timeout=60) as asked:
        query = f"EXPLAIN ESTIMATE {asked.table} SELECT count(*) FROM tbot_starts"
    ((_, _, _, rows, _),) = server.rows(query, "many")
    ((every, needed),) = server.rows(
        "SELECT count(*), countIf(toYYYYMM(time) IN (202606, 202607)) FROM tbot_starts", "many"
    )
    assert int(rows) <= 2 * int(needed)  # twice, because a second query looks for deliveries that differ
    assert int(needed) < int(every)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("first", ["the tables", "the starts"])
def test_layouts(server: ClickHouse, tmp_path: Path, layout: str, first: str) -> None:
    """Every layout of the Collector's tables gives the same starts, stored before or after the views are created."""
    database = f"{layout} {first}"
    lines = mixed(FEW, days=20)
    file = tmp_path / "starts.jsonl"
    file.write_bytes(b"".join(lines))
    server.make_tables(database, layout)
    if first == "the starts":
        server.insert(database, lines)
    server.run_schema(database)
    if first == "the tables":
        server.insert(database, lines)
    of_file, of_database = both(server, database, file, period=Period())
    assert of_database == of_file
