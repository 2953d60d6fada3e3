"""A report as Markdown tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from otel_tbot.report.figures import RUN_MODES
from otel_tbot.report.formats import phrases

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
    yield from (f"# {phrases.TITLE}", "", phrases.period(figures), "")
    yield from (f"| | {' | '.join(RUN_MODES)} |", "|---|--:|--:|")
    yield from (_line(*row) for row in phrases.totals(figures))
    for dimension in dimensions:
        yield from ("", f"## {phrases.TITLES[dimension]}", "")
        yield from _table(figures.tables[dimension])
    yield from _findings(figures)
    yield from ("", *phrases.notes(figures))


def _table(table: Table) -> Iterator[str]:
    yield from ("| | one-shot | share | daemon | share |", "|---|--:|--:|--:|--:|")
    for row in table.rows:
        numbers = ((phrases.number(row.starts[mode]), phrases.percent(row.shares[mode])) for mode in RUN_MODES)
        yield _line(escape(row.value), *(cell for pair in numbers for cell in pair))
    if table.suppressed:
        sums = ((phrases.number(table.suppressed_starts[mode]), "") for mode in RUN_MODES)
        yield _line(phrases.suppressed_label(table.suppressed), *(cell for pair in sums for cell in pair))


def _findings(figures: Figures) -> Iterator[str]:
    found = [f"- **{kind}** {escape(sentence)}" for kind, sentence in phrases.to_look_into(figures)]
    if found:
        yield from ("", f"## {phrases.TO_LOOK_INTO}", "", *found)


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def escape(text: str) -> str:
    """Return a text in which Markdown's syntax is escaped."""
    return _SYNTAX.sub(r"\\\1", text)
