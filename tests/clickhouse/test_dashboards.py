"""The queries of the boards and alert rules for ClickHouse, run by the real engine, agree with the report."""

from __future__ import annotations

import json
import re
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("chdb", reason="the engine has its own requirements")

from chdb.session import Session

from otel_tbot.report.clickhouse_ddl import statements
from otel_tbot.report.compute import compute_figures
from otel_tbot.report.duckdb_store import read_starts
from otel_tbot.report.figures import RUN_MODES
from otel_tbot.report.store import Period
from tests.support.collector_tables import EVENTS, LAYOUTS, rows, tables
from tests.support.dashboards import board, named_queries, panels, rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from otel_tbot.report.figures import Figures

UTC = timezone.utc
BEGIN = datetime(2025, 7, 7, tzinfo=UTC)  # of the example's events, a Monday
END = datetime(2025, 12, 1, tzinfo=UTC)
MONTH = BEGIN + timedelta(days=30)  # too short for weeks
_BURST = datetime(2025, 10, 22, 3, tzinfo=UTC)  # planted, and one hour long
_WITHOUT_EVENTS = datetime(2025, 9, 24, tzinfo=UTC)
_NEW = datetime(2025, 11, 11, tzinfo=UTC)  # the day from which a join method and a version are used
Row = dict[str, Any]


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """Run the engine in this process, with the example's events in each layout of the Collector's tables."""
    session = Session(str(tmp_path_factory.mktemp("engine")))
    # Its offset is not a whole number of hours, but everything has to be counted in UTC.
    session.query("SET session_timezone = 'Asia/Kolkata'")
    for layout in LAYOUTS:
        _fill(session, layout, layout)
    _fill(session, "a month", "EventName", until=MONTH)
    yield session
    session.close()


def _fill(session: Session, database: str, layout: str, *, until: datetime | None = None) -> None:
    session.query(f'CREATE DATABASE "{database}"')
    session.query(f'USE "{database}"')
    for statement in tables(layout):
        session.query(statement)
    for table, of_table in zip(("otel_logs", "otel_traces"), rows(until=until), strict=True):
        lines = "\n".join(map(json.dumps, of_table))
        session.query(f"INSERT INTO {table} SETTINGS session_timezone = 'UTC' FORMAT JSONEachRow {lines}")
    for statement in statements():
        if "REFRESH EVERY" not in statement:  # the daily table, which boards do not read
            session.query(statement)


@pytest.fixture(scope="session")
def half_year() -> Figures:
    """Report on the example's events, without suppression."""
    return _reported(Period(), supported_majors=2)


def _reported(period: Period, *, supported_majors: int) -> Figures:
    with read_starts([str(EVENTS)], period=period, memory="1GB") as starts:
        return compute_figures(starts, at_least=1, supported_majors=supported_majors)


@pytest.fixture(params=LAYOUTS)
def ask(engine: Session, request: pytest.FixtureRequest) -> Callable[..., list[Row]]:
    """Run a panel's query, in each layout of the Collector's tables."""
    return _asking(engine, request.param, BEGIN, END)


def _asking(engine: Session, database: str, begin: datetime, end: datetime, **chosen: str) -> Callable[..., list[Row]]:
    def asked_of(title: str, place: int = 0) -> list[Row]:
        queries = [query for name, query in named_queries("clickhouse") if name == title]
        return _answer(engine, database, _expanded(queries[place], begin, end, **chosen))

    return asked_of


def _answer(engine: Session, database: str, query: str) -> list[Row]:
    engine.query(f'USE "{database}"')
    settings = "SETTINGS output_format_json_quote_64bit_integers = 0"
    answer = str(engine.query(f"{query}\n{settings}", "JSONEachRow"))
    return [json.loads(line) for line in answer.splitlines()]


def _expanded(query: str, begin: datetime, end: datetime, **chosen: str) -> str:
    """Return a query as Grafana and its data source expand it: variables first, then macros."""
    defaults = {
        variable["name"]: variable["current"]["value"]
        for name in ("product", "operators")
        for variable in board("clickhouse", name)["templating"]["list"]
        if variable["type"] == "custom"
    }
    for name, value in {**defaults, **chosen}.items():
        query = query.replace(f"${name}", value)
    for name, moment in {"fromTime": begin, "toTime": end}.items():
        query = query.replace(f"$__{name}", f"toDateTime({int(moment.timestamp())})")
    assert "$" not in query
    return query


def _day(text: str) -> date:
    return date.fromisoformat(text[:10])


def test_every_query(engine: Session) -> None:
    """The engine executes every query of the boards and rules in each layout of the Collector's tables."""
    queries = [(name, _expanded(query, BEGIN, END)) for name, query in named_queries("clickhouse")]
    for layout in LAYOUTS:
        for name, query in queries:
            assert isinstance(_answer(engine, layout, query), list), (layout, name)


def test_empty_tables(engine: Session) -> None:
    """No query fails on empty tables."""
    engine.query("CREATE DATABASE IF NOT EXISTS nothing")
    engine.query("USE nothing")
    engine.query(statements()[0])
    for name, query in named_queries("clickhouse"):
        assert isinstance(_answer(engine, "nothing", _expanded(query, BEGIN, END)), list), name


def test_totals(ask: Callable[..., list[Row]], half_year: Figures) -> None:
    """The starts of each run mode, in total and on a usual day."""
    expected = [
        {"run mode": mode, "starts": half_year.starts[mode], "on a usual day": half_year.median_day[mode]}
        for mode in RUN_MODES
    ]
    assert ask("Starts") == expected


@pytest.mark.parametrize("mode", RUN_MODES)
def test_releases(ask: Callable[..., list[Row]], half_year: Figures, mode: str) -> None:
    """The share of each release by week, without the burst."""
    shares = {(_day(row["time"]), row["release"]): row["Value"] for row in ask(f"Which releases are started? ({mode})")}
    expected = {(one.begin, one.value): one.share for one in half_year.releases if one.run_mode == mode}
    assert shares == pytest.approx(expected)


@pytest.mark.parametrize(
    ("title", "dimension", "label"),
    [
        ("Which join methods deserve work first?", "join_type", "join method"),
        ("Which helpers start tbot?", "helper", "helper"),
        ("Which platforms does it run on?", "platform", "platform"),
    ],
)
def test_tables(ask: Callable[..., list[Row]], half_year: Figures, title: str, dimension: str, label: str) -> None:
    """The values of a dimension, in the report's order: starts, shares, and days on which each was seen."""
    found = ask(title)
    expected = half_year.tables[dimension].rows
    assert [row[label] for row in found] == [row.value for row in expected]
    assert [[row[mode] for mode in RUN_MODES] for row in found] == [
        [row.starts[mode] for mode in RUN_MODES] for row in expected
    ]
    assert [row[f"share of {mode}"] for row in found for mode in RUN_MODES] == pytest.approx(
        [row.shares[mode] for row in expected for mode in RUN_MODES]
    )
    assert [row["days seen"] for row in found] == [row.days for row in expected]


def test_movement(ask: Callable[..., list[Row]], half_year: Figures) -> None:
    """The share of each join method in the first and in the last four weeks, and the difference."""
    found = {
        (row["join method"], row["run mode"]): (row["before"], row["after"], row["change in points"])
        for row in ask("Which join methods come and go?")
    }
    expected = {
        (one.value, one.run_mode): (one.before, one.after, 100 * (one.after - one.before))
        for one in half_year.join_methods
    }
    assert found.keys() == expected.keys()
    for key, numbers in found.items():
        assert numbers == pytest.approx(expected[key]), key


def test_destinations(ask: Callable[..., list[Row]], half_year: Figures) -> None:
    """The shares of starts with none, one, two, and more destinations of each kind, in the report's order."""
    found = ask("What do they fetch credentials for?")
    assert [(row.pop("kind"), row.pop("run mode")) for row in found] == [
        (one.kind, one.run_mode) for one in half_year.destinations
    ]
    assert [list(row) for row in found] == [["none", "1", "2", "3 or more"]] * len(found)
    for row, one in zip(found, half_year.destinations, strict=True):
        assert list(row.values()) == pytest.approx(one.shares)


def test_per_day(ask: Callable[..., list[Row]], half_year: Figures) -> None:
    """The starts of each day, and the day whose events are missing."""
    found = ask("How many starts a day?")
    days = [(_day(row["time"]), mode, row[mode]) for row in found for mode in RUN_MODES]
    assert tuple(days) == half_year.per_day
    assert tuple(_day(row["time"]) for row in found if row["may lack events"] is not None) == half_year.gaps
    assert half_year.gaps == (_WITHOUT_EVENTS.date(),)
    medians = [row["daemon, median of seven days"] for row in found]
    assert medians[:3] == medians[-3:] == [None] * 3
    assert medians[3] == sorted(number for _, mode, number in half_year.per_day[:14] if mode == "daemon")[3]


def test_bursts(ask: Callable[..., list[Row]], half_year: Figures) -> None:
    """The daemon starts of each hour, and the burst with the values that its starts share."""
    found = ask("Did something restart again and again?")
    hours = [(datetime.fromisoformat(row["time"]), row["daemon starts"]) for row in found]
    assert tuple(hours) == half_year.per_hour
    marked = [datetime.fromisoformat(row["time"]).replace(tzinfo=UTC) for row in found if row["burst"] is not None]
    assert marked == [_BURST]
    (burst,) = half_year.bursts
    (row,) = ask("Did something restart again and again? (bursts)")
    assert list(row.values()) == [
        f"{burst.begin}", f"{burst.end}", burst.starts, burst.expected, burst.version, burst.join_type,
        (burst.starts_of_these or 0) / burst.starts,
    ]  # fmt: skip


def test_old_releases(ask: Callable[..., list[Row]], half_year: Figures) -> None:
    """The share of starts with a release that was old at the time."""
    found = {(_day(row["time"]), row["run mode"]): row["Value"] for row in ask("Who lags behind?")}
    assert found == pytest.approx({(one.begin, one.run_mode): one.share for one in half_year.old_releases})


def test_hours(ask: Callable[..., list[Row]], half_year: Figures) -> None:
    """The average of one-shot starts in each hour of the week."""
    found = ask("When do one-shot starts come?")
    assert [row.pop("hour (UTC)") for row in found] == [f"{hour}:00" for hour in range(24)]
    averages = {
        (day, hour): average for hour, row in enumerate(found) for day, average in enumerate(row.values(), start=1)
    }
    assert averages == pytest.approx({(day, hour): average for day, hour, average in half_year.hours_of_week})


def test_new(ask: Callable[..., list[Row]], half_year: Figures) -> None:
    """Values that were not seen before the last four weeks."""
    found = [(row["value"], _day(row["since"]), row["one-shot"], row["daemon"]) for row in ask(
        "What is new in the last four weeks?"
    )]  # fmt: skip
    assert found == [(one.value, one.since, *one.starts.values()) for one in half_year.new]


@pytest.mark.parametrize("majors", [1, 3])
def test_days_as_steps(engine: Session, majors: int) -> None:
    """A month is shown by day, as the report does, and the reader may choose the number of supported major versions."""
    expected = _reported(Period(until=MONTH.replace(tzinfo=None)), supported_majors=majors)
    assert expected.step == "day"
    ask = _asking(engine, "a month", BEGIN, MONTH, step="day", supported_majors=str(majors))
    old = {(_day(row["time"]), row["run mode"]): row["Value"] for row in ask("Who lags behind?")}
    whole = set(expected.steps)
    shares = {(one.begin, one.run_mode): one.share for one in expected.old_releases}
    assert {key: share for key, share in old.items() if key[0] in whole} == pytest.approx(shares)
    assert ask("What is new in the last four weeks?") == []


def _at(engine: Session, uid: str, now: datetime) -> list[Row]:
    """Return the result of an alert rule's query at a time."""
    (rule,) = [rule for rule in rules("clickhouse") if rule["uid"] == f"tbot-{uid}-clickhouse"]
    query = rule["data"][0]["model"]["rawSql"]
    return _answer(engine, "EventName", re.sub(r"\bnow\(\)", f"toDateTime({int(now.timestamp())})", query))


def test_burst_is_alerted(engine: Session) -> None:
    """The rule reports a burst during its hour and the next one, not before and not after."""
    hour = timedelta(hours=1)
    times = {
        -1: 0,
        0: 0,
        1: 1,
        1.5: 1,
        2.1: 0,
        24: 0,
    }  # hours after its beginning; at 0 there are no starts yet
    assert {place: _at(engine, "burst", _BURST + place * hour) for place in times} == {
        place: [{"value": number}] for place, number in times.items()
    }


def test_first_week_has_no_burst(engine: Session) -> None:
    """An hour without a week before it is not evaluated: a new deployment does not raise the alarm."""
    first = BEGIN + timedelta(hours=1)
    engine.query("CREATE DATABASE IF NOT EXISTS young")
    engine.query("USE young")
    engine.query(statements()[0])
    starts = f"toDateTime({int(first.timestamp())}) + number, generateUUIDv4(), 'daemon' FROM numbers(3000)"
    engine.query(f"INSERT INTO tbot_starts (time, session, run_mode) SELECT {starts}")
    (rule,) = [rule for rule in rules("clickhouse") if rule["uid"] == "tbot-burst-clickhouse"]
    now = f"toDateTime({int(first.timestamp()) + 3000})"
    query = rule["data"][0]["model"]["rawSql"].replace("now()", now)
    assert _answer(engine, "young", query) == [{"value": 0}]


def test_old_releases_are_alerted(engine: Session, half_year: Figures) -> None:
    """The rule's query returns the share of old releases in the last week, by run mode."""
    last = {one.run_mode: one.share for one in half_year.old_releases if one.begin == half_year.steps[-1]}
    found = {row["run_mode"]: row["value"] for row in _at(engine, "old-releases", END)}
    assert found == pytest.approx(last)


def test_silence_is_alerted(engine: Session) -> None:
    """The rule reports a day without starts."""
    day = timedelta(days=1)
    assert _at(engine, "no-starts", _WITHOUT_EVENTS + day) == [{"value": 0}]
    ((value,),) = [row.values() for row in _at(engine, "no-starts", _WITHOUT_EVENTS)]
    assert value > 0


def test_new_join_method_is_alerted(engine: Session) -> None:
    """The rule names a join method on its first day only; in the first weeks it names none."""
    first = [row["join_type"] for row in _at(engine, "new-join-method", _NEW + timedelta(days=1))]
    assert first == ["env0"]
    assert _at(engine, "new-join-method", _NEW) == []
    assert _at(engine, "new-join-method", _NEW + timedelta(days=3)) == []
    assert _at(engine, "new-join-method", BEGIN + timedelta(days=2)) == []


def test_every_panel_is_tested() -> None:
    """Every panel with a query has its own test."""
    tested = {
        "Starts", "Which releases are started?", "Which join methods deserve work first?", "Which helpers start tbot?",
        "Which platforms does it run on?", "Which join methods come and go?", "What do they fetch credentials for?",
        "How many starts a day?", "Did something restart again and again?", "Who lags behind?",
        "When do one-shot starts come?", "What is new in the last four weeks?",
    }  # fmt: skip
    assert {panel["title"].partition(" (")[0] for panel in panels("clickhouse") if "targets" in panel} == tested
