"""Titles and sentences that all formats of a report share, including the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_tbot.report import display
from otel_tbot.report.figures import RUN_MODES
from otel_tbot.report.findings import GAP_TEXT, burst

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_tbot.report.figures import Figures, New

TITLE = "Starts of tbot"
TO_LOOK_INTO = "What to look into"
TITLES = {
    "release": "Releases",
    "version": "Versions",
    "join_type": "Join methods",
    "run_mode": "Run modes",
    "helper": "Helpers",
    "helper_version": "Helpers and their versions",
    "destinations": "Kinds of destinations",
    "os": "Operating systems",
    "arch": "Architectures",
    "platform": "Platforms",
}
LABELS = {
    "release": "release",
    "version": "version",
    "join_type": "join method",
    "run_mode": "run mode",
    "helper": "helper",
    "helper_version": "helper and its version",
    "destinations": "kinds of destinations",
    "os": "operating system",
    "arch": "architecture",
    "platform": "platform",
}
OVERVIEW = ("release", "join_type", "destinations", "helper", "platform")
NOT_SHOWN = "\N{EN DASH}"


def period(figures: Figures) -> str:
    """Return the first and the last day, and that a start is not a machine."""
    return f"{display.period(figures.first, figures.last)} (UTC). Each event is one start, not one machine."


def number(value: int | None) -> str:
    """Return a number with thousands separators; a suppressed one is a dash."""
    return NOT_SHOWN if value is None else display.count(value)


def percent(share: float | None) -> str:
    """Return a share in percent; a suppressed one is empty."""
    return "" if share is None else display.percent(share)


def totals(figures: Figures) -> Iterator[tuple[str, ...]]:
    """Return the rows above all tables: a label, and the number of each run mode."""
    yield "starts", *(number(figures.starts[mode]) for mode in RUN_MODES)
    yield "on a usual day", *(number(figures.median_day[mode]) for mode in RUN_MODES)


def suppressed_label(suppressed: int) -> str:
    """Return the name of the row that sums up the suppressed values."""
    return display.pluralize(suppressed, "more value", "more values")


def to_look_into(figures: Figures) -> Iterator[tuple[str, str]]:
    """Return what operators should know, each with its kind: `burst`, `gap` or `new`."""
    for found in figures.bursts:
        yield "burst", burst(found)
    for day in figures.gaps:
        yield "gap", f"{display.day(day)} is {GAP_TEXT}"
    for entry in figures.new:
        yield "new", f"{LABELS[entry.dimension]} {display.value(entry.value)}, {since(entry)}"


def since(new: New) -> str:
    """Return when a new value was first seen, and its starts if they are shown."""
    seen = [
        display.pluralize(starts, f"{mode} start", f"{mode} starts") for mode, starts in new.starts.items() if starts
    ]
    return f"since {display.day(new.since)}" + (f": {display.natural_list(seen)}" if seen else "")


def left_out(figures: Figures) -> str:
    """Return what was read and is not counted."""
    counted = figures.left_out
    if counted.invalid is None:
        return "what the ClickHouse views do not keep, such as events that the schema does not allow"
    parts = (
        (counted.repeated, "repeated delivery of a counted start", "repeated deliveries of counted starts"),
        (counted.invalid, "event that the schema does not allow", "events that the schema does not allow"),
        (counted.implausible_time, "event with an impossible time", "events with an impossible time"),
        (counted.outside_period, "event outside the period", "events outside the period"),
        (counted.unreadable_lines, "line that could not be read", "lines that could not be read"),
    )
    return (
        display.natural_list([display.pluralize(count, one, many) for count, one, many in parts if count]) or "nothing"
    )


def notes(figures: Figures) -> Iterator[str]:
    """Return sentences about what was left out, and what may not be shown."""
    yield f"Left out: {left_out(figures)}."
    if figures.at_least > 1:
        others = "or for a number that would reveal them; --at-least 1 shows all"
        yield f"{NOT_SHOWN} stands for fewer than {figures.at_least:,} starts, {others}."
