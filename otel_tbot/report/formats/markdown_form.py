"""A report as Markdown tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from otel_tbot.report.figures import RUN_MODES
from otel_tbot.report.formats import wording

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from otel_tbot.report.figures import Figures, Table

_SYNTAX = re.compile(r"([\\`*_\[\]<>|&~])")


def render_markdown(figures: Figures, dimensions: Sequence[str]) -> str:
    """Return a report as Markdown.

    Args:
        figures: what to report.
        dimensions: the tables to include.
    """
    return "\n".join(_lines(figures, dimensions)) + "\n"


def _lines(figures: Figures, dimensions: Sequence[str]) -> Iterator[str]:
    yield from ("# Starts of tbot", "", wording.period(figures), "")
    yield from (f"| | {' | '.join(RUN_MODES)} |", "|---|--:|--:|")
    yield _line("starts", *(wording.number(figures.starts[mode]) for mode in RUN_MODES))
    yield _line("on a usual day", *(wording.number(figures.median_day[mode]) for mode in RUN_MODES))
    for dimension in dimensions:
        yield from ("", f"## {wording.TITLES[dimension]}", "")
        yield from _table(figures.tables[dimension])
    yield from _findings(figures)
    yield from ("", wording.left_out(figures), *wording.suppression(figures))


def _table(table: Table) -> Iterator[str]:
    yield from ("| | one-shot | share | daemon | share |", "|---|--:|--:|--:|--:|")
    for row in table.rows:
        numbers = ((wording.number(row.starts[mode]), wording.percent(row.shares[mode])) for mode in RUN_MODES)
        yield _line(escape(row.value), *(cell for pair in numbers for cell in pair))
    if table.suppressed:
        sums = ((wording.number(table.suppressed_starts[mode]), "") for mode in RUN_MODES)
        yield _line(wording.rest(table.suppressed), *(cell for pair in sums for cell in pair))


def _findings(figures: Figures) -> Iterator[str]:
    found = [
        *(f"- **burst** {escape(wording.burst(burst))}" for burst in figures.bursts),
        *(f"- **gap** {day}: {wording.GAP}" for day in figures.gaps),
        *(f"- **new** {escape(wording.new(new))}" for new in figures.new),
    ]
    if found:
        yield from ("", "## What to look into", "", *found)


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def escape(text: str) -> str:
    """Return a text that Markdown shows as it is."""
    return _SYNTAX.sub(r"\\\1", text)
