"""The report as a page: one file without a script, that loads nothing from anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jinja2

from otel_tbot.report import sections, words
from otel_tbot.report.figures import RUN_MODES
from otel_tbot.report.findings import Strong, bursts_are_judged, days_are_compared, judged_since, oldest_supported
from otel_tbot.version import __version__

if TYPE_CHECKING:
    from otel_tbot.report.figures import Figures, LeftOut, New


def render(figures: Figures, *, files: int) -> str:
    """Return the report as HTML.

    Args:
        figures: what it says.
        files: the number of files that were read.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("otel_tbot.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2").render(
        judged_since=words.day(judged_since(figures)) if bursts_are_judged(figures) else "",
        days_are_compared=days_are_compared(figures),
        figures=figures,
        files=files,
        left_out=_left_out(figures.left_out),
        is_strong=lambda part: isinstance(part, Strong),
        new=[_new(entry) for entry in figures.new],
        old=_old_now(figures),
        oldest=oldest_supported(figures),
        operator=sections.operators(figures),
        product=sections.products(figures),
        run_modes=RUN_MODES,
        version=__version__,
        words=words,
    )


def _old_now(figures: Figures) -> list[tuple[str, str]]:
    """Return each run mode's share of old releases in the last step, where it is shown."""
    last = figures.steps[-1] if figures.steps else None
    shares = {entry.run_mode: entry.share for entry in figures.old_releases if entry.begin == last}
    return [(mode, words.percent(shares[mode])) for mode in RUN_MODES if mode in shares]


def _new(entry: New) -> tuple[str, str]:
    """Return a new value, and what is said about it."""
    seen = [words.several(starts, f"{mode} start", f"{mode} starts") for mode, starts in entry.starts.items() if starts]
    dimension = sections.DIMENSIONS.get(entry.dimension, entry.dimension)
    said = f"{dimension}, since {words.day(entry.since)}" + (f": {words.listed(seen)}" if seen else "")
    return words.value(entry.value), said


def _left_out(left_out: LeftOut) -> str:
    """Return what was read and is not counted."""
    said = (
        (left_out.repeated, "repeated delivery of a counted start", "repeated deliveries of counted starts"),
        (left_out.invalid, "event that the registry does not admit", "events that the registry does not admit"),
        (left_out.implausible_time, "event with an impossible time", "events with an impossible time"),
        (left_out.outside_period, "event outside the period", "events outside the period"),
        (left_out.unreadable_lines, "line that could not be read", "lines that could not be read"),
    )
    return words.listed([words.several(number, one, many) for number, one, many in said if number]) or "nothing"
