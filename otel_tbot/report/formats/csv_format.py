"""A report as CSV: one row for each value and run mode, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from otel_tbot.report.figures import OTHERS, RUN_MODES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from otel_tbot.report.figures import Figures, Table

HEADER = ("dimension", "value", "run_mode", "starts", "share", "days_seen")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run a cell that begins with one


def render_csv(figures: Figures, dimensions: Sequence[str]) -> str:
    """Return the tables as CSV; a suppressed number is an empty cell.

    Args:
        figures: what to report.
        dimensions: the tables to include.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for dimension in dimensions:
        writer.writerows(_rows(figures.tables[dimension]))
    return text.getvalue()


def _rows(table: Table) -> Iterator[tuple[str | int | None, ...]]:
    for row in table.rows:
        for mode in RUN_MODES:
            share = row.shares[mode]
            formatted = None if share is None else f"{share:.6f}"
            yield table.dimension, escape_formula(row.value), mode, row.starts[mode], formatted, row.days
    if table.suppressed:
        for mode in RUN_MODES:
            yield table.dimension, OTHERS, mode, table.suppressed_starts[mode], None, None


def escape_formula(text: str) -> str:
    """Return a text that a spreadsheet does not run as a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
