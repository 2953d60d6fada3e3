"""The numbers of each chart as a table, for readers who cannot see the chart or want exact values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from otel_tbot.report import display
from otel_tbot.report.dimensions import version_key
from otel_tbot.report.figures import OTHERS, RUN_MODES
from otel_tbot.report.time_buckets import MOST_DAYS, drawn

if TYPE_CHECKING:
    from otel_tbot.report.figures import Figures, Table


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """A table of text cells.

    Attributes:
        head: the names of the columns.
        rows: the cells; the first cell of each row is its heading.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def of_dimension(table: Table, label: str) -> Numbers:
    """Return the values of a dimension; the last row counts the values that are too rare to be shown."""
    rows = []
    for row in table.rows:
        cells = [display.value(row.value)]
        for mode in RUN_MODES:
            starts = row.starts.get(mode)
            share = row.shares.get(mode)
            cells += [display.count(starts), "" if share is None else display.percent(share)]
        rows.append((*cells, display.count(row.days)))
    if table.suppressed:
        cells = [f"{display.pluralize(table.suppressed, 'further value', 'further values')}, not shown"]
        for mode in RUN_MODES:
            cells += [display.count(table.suppressed_starts.get(mode)), ""]
        rows.append((*cells, ""))
    return Numbers(head=(label, "one-shot", "share", "daemon", "share", "days seen"), rows=tuple(rows))


def of_releases(figures: Figures) -> Numbers:
    """Return the share of each release by step and run mode, the newest release first.

    A cell is empty where the release was not started or is among the others.
    """
    names = list(dict.fromkeys(display.value(entry.value) for entry in figures.releases if entry.value != OTHERS))
    names.sort(key=version_key, reverse=True)
    shares = {(e.begin, e.run_mode, display.value(e.value)): e.share for e in figures.releases}
    columns = [*names, OTHERS]
    rows = tuple(
        (
            step.isoformat(),
            mode,
            *(display.percent(shares[key]) if (key := (step, mode, name)) in shares else "" for name in columns),
        )
        for step in drawn(figures.steps)
        for mode in RUN_MODES
        if any((step, mode, name) in shares for name in columns)
    )
    return Numbers(head=("week of" if figures.step == "week" else "day", "run mode", *columns), rows=rows)


def of_movement(figures: Figures) -> Numbers:
    """Return the earlier and the later share of each join method."""
    return Numbers(
        head=("join method", "run mode", "before", "after", "change in points"),
        rows=tuple(
            (
                display.value(change.value),
                change.run_mode,
                display.percent(change.before),
                display.percent(change.after),
                display.points(change.after - change.before),
            )
            for change in figures.join_methods
        ),
    )


def of_destinations(figures: Figures) -> Numbers:
    """Return the shares of starts with none, one, two, and more destinations of each kind."""
    rows = tuple(
        (entry.kind, entry.run_mode, *(display.percent(share) for share in entry.shares or (None,) * 4))
        for entry in figures.destinations
    )
    return Numbers(head=("kind", "run mode", *display.NUMBERS_OF_DESTINATIONS), rows=rows)


def of_days(figures: Figures) -> Numbers:
    """Return the starts of each day; of a long period, only the last days."""
    starts = {(day, mode): number for day, mode, number in figures.per_day}
    gaps = set(figures.gaps)
    days = sorted({day for day, _ in starts})
    rows = tuple(
        (
            day.isoformat(),
            *(display.count(starts.get((day, mode))) for mode in RUN_MODES),
            "may lack events" if day in gaps else "",
        )
        for day in days[-MOST_DAYS:]
    )
    return Numbers(head=(_days(len(days)), *RUN_MODES, ""), rows=rows)


def _days(number: int) -> str:
    """Return the heading of a column of days; it says when only the last days are listed."""
    return "day" if number <= MOST_DAYS else f"the last {MOST_DAYS} days"


def of_bursts(figures: Figures) -> Numbers:
    """Return the busiest hour of each day, and which of them are in a burst."""
    busiest: dict[str, tuple[int, str]] = {}
    for hour, starts in figures.per_hour:
        day = hour.date().isoformat()
        if day not in busiest or starts > busiest[day][0]:
            burst = next((burst for burst in figures.bursts if burst.begin <= hour < burst.end), None)
            note = "" if burst is None else f"burst: {burst.starts:,} starts, {burst.expected:,} usual"
            busiest[day] = (starts, note)
    rows = tuple((day, display.count(starts), note) for day, (starts, note) in list(busiest.items())[-MOST_DAYS:])
    return Numbers(head=(_days(len(busiest)), "daemon starts in the busiest hour", ""), rows=rows)


def of_old_releases(figures: Figures) -> Numbers:
    """Return the share of old releases as of each step."""
    steps = drawn(figures.steps)
    rows = tuple(
        (entry.begin.isoformat(), entry.run_mode, display.percent(entry.share), str(entry.newest_major))
        for entry in figures.old_releases
        if entry.begin in steps
    )
    return Numbers(head=("week of" if figures.step == "week" else "day", "run mode", "old", "newest major"), rows=rows)


def of_hours(figures: Figures) -> Numbers:
    """Return the average of one-shot starts in each hour of the week."""
    starts = {(day, hour): average for day, hour, average in figures.hours_of_week}
    rows = tuple((f"{hour}:00", *(_average(starts.get((day, hour), 0)) for day in range(1, 8))) for hour in range(24))
    return Numbers(head=("hour (UTC)", *display.DAYS), rows=rows)


def _average(starts: float | None) -> str:
    return display.NOT_SHOWN if starts is None else f"{starts:,.0f}" if starts >= 10 or not starts else f"{starts:.1f}"  # noqa: PLR2004 - below, the decimal counts
