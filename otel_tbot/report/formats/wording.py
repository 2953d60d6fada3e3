"""Titles and sentences that the forms of a report share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_tbot.report import words
from otel_tbot.report.figures import RUN_MODES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from otel_tbot.report.figures import Burst, Figures, New

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
OVERVIEW = ("release", "join_type", "destinations", "helper", "platform")
NOT_SHOWN = "\N{EN DASH}"
GAP = "far fewer starts than on the days around; the store may lack events"


def period(figures: Figures) -> str:
    """Return the first and the last day, and what a start is not."""
    return f"{words.period(figures.first, figures.last)} (UTC). Each event is one start, not one machine."


def number(value: int | None) -> str:
    """Return a number with its thousands apart; a suppressed one is a dash."""
    return NOT_SHOWN if value is None else words.count(value)


def percent(share: float | None) -> str:
    """Return a share in percent; a suppressed one is empty."""
    return "" if share is None else f"{share:.1%}"


def rest(suppressed: int) -> str:
    """Return the name of the row that holds what has no row of its own."""
    return words.several(suppressed, "more value", "more values")


def burst(found: Burst) -> str:
    """Describe a burst."""
    end = f"{found.end:%H:%M}" if found.begin.date() == found.end.date() else f"{found.end:%Y-%m-%d %H:%M}"
    who = ""
    if found.version and found.join_type:
        who = f", {number(found.starts_of_these)} of them {found.version} with {found.join_type}"
    usual = "1 is" if found.expected == 1 else f"{number(found.expected)} are"
    return f"{found.begin:%Y-%m-%d %H:%M} to {end}: {number(found.starts)} daemon starts, {usual} usual{who}"


def new(found: New) -> str:
    """Describe a value that is new."""
    starts = per_run_mode(found.starts)
    return f"{found.dimension.replace('_', ' ')} {found.value}: {starts} starts since {found.since}"


def per_run_mode(starts: Mapping[str, int | None]) -> str:
    """Return the starts of each run mode that are shown and not 0."""
    return " and ".join(f"{number(starts[mode])} {mode}" for mode in RUN_MODES if starts[mode]) or "some"


def left_out(figures: Figures) -> str:
    """Say what was read and is not counted."""
    counted = figures.left_out
    parts = (
        (counted.repeated, "repeated delivery", "repeated deliveries"),
        (counted.invalid, "event that the schema does not allow", "events that the schema does not allow"),
        (counted.implausible_time, "impossible time", "impossible times"),
        (counted.unreadable_lines, "unreadable line", "unreadable lines"),
        (counted.outside_period, "event outside the period", "events outside the period"),
    )
    named = (words.several(count, one, many) for count, one, many in parts if count)
    return f"Left out: {', '.join(named) or 'nothing'}."


def suppression(figures: Figures) -> Iterator[str]:
    """Say what is not shown, if anything may be."""
    if figures.at_least > 1:
        yield f"{NOT_SHOWN} stands for fewer than {figures.at_least:,} starts, or for a number that would tell them."
