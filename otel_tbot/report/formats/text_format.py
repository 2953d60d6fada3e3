"""A report for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from otel_tbot.report.figures import RUN_MODES
from otel_tbot.report.findings import first_supported
from otel_tbot.report.formats import phrases

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TextIO

    from otel_tbot.report.figures import Figures, Table

FILE_WIDTH = 100  # columns, when not printed on a terminal
_STYLES = {"one-shot": "blue", "daemon": "dark_orange3"}
_KINDS = {"burst": "red", "gap": "yellow", "new": "green"}
_WIDE = 96  # columns; from here on, there is room for long bars
_BAR, _LONG_BAR = 6, 14
_VALUE, _LONG_VALUE = 30, 34
_EIGHTHS = " ▏▎▍▌▋▊▉"


def print_text(figures: Figures, dimensions: Sequence[str], file: TextIO, *, limit: int) -> None:
    """Print a report, in colors and as wide as the terminal if it is printed on one.

    Args:
        figures: what to report.
        dimensions: the tables to include.
        file: where to print.
        limit: the number of rows after which a table ends.
    """
    console = Console(file=file, highlight=False, emoji=False, width=None if file.isatty() else FILE_WIDTH)
    console.print(Text.assemble((phrases.TITLE, "bold"), ", ", phrases.period(figures)))
    console.print()
    console.print(_summary(figures))
    for dimension in dimensions:
        console.print()
        console.print(_grid(figures.tables[dimension], console.width >= _WIDE, limit))
    for line in _findings(figures):
        console.print(line)
    console.print()
    for sentence in phrases.notes(figures):
        console.print(Text(sentence, style="dim"))


def _summary(figures: Figures) -> Grid:
    grid = Grid(box=None, padding=(0, 2, 0, 0), header_style="dim")
    grid.add_column("")
    for mode in RUN_MODES:
        grid.add_column(mode, justify="right", style=_STYLES[mode])
    for row in phrases.totals(figures):
        grid.add_row(*row)
    latest = {old.run_mode: old for old in figures.old_releases}
    if latest and figures.newest_major is not None:
        oldest = first_supported(max(old.newest_major for old in latest.values()), figures)
        shares = (phrases.percent(latest[mode].share) if mode in latest else phrases.NOT_SHOWN for mode in RUN_MODES)
        grid.add_row(f"older than {oldest}, last whole {figures.step}", *shares)
    return grid


def _grid(table: Table, wide: bool, limit: int) -> Grid:  # noqa: FBT001  a width, in two sizes
    bar = _LONG_BAR if wide else _BAR
    grid = Grid(
        title=phrases.TITLES[table.dimension],
        title_justify="left",
        title_style="bold",
        box=None,
        padding=(0, 1, 0, 0),
        header_style="dim",
    )
    grid.add_column("", no_wrap=True, width=_LONG_VALUE if wide else _VALUE)
    for mode in RUN_MODES:
        grid.add_column(mode, justify="right", no_wrap=True, min_width=9)
        grid.add_column("", justify="right", no_wrap=True, min_width=6)
        grid.add_column("", no_wrap=True, width=bar, style=_STYLES[mode])
    largest = max((share for row in table.rows for share in row.shares.values() if share), default=1.0)
    for row in table.rows[:limit]:
        cells = (
            (phrases.number(row.starts[mode]), phrases.percent(row.shares[mode]), _bar(row.shares[mode], largest, bar))
            for mode in RUN_MODES
        )
        grid.add_row(Text(row.value), *(cell for triple in cells for cell in triple))
    if table.suppressed:
        sums = ((phrases.number(table.suppressed_starts[mode]), "", "") for mode in RUN_MODES)
        grid.add_row(
            Text(phrases.suppressed_label(table.suppressed), style="dim"), *(cell for triple in sums for cell in triple)
        )
    if len(table.rows) > limit:
        grid.add_row(Text(f"{len(table.rows) - limit} more rows: --by {table.dimension}", style="dim"))
    return grid


def _bar(share: float | None, largest: float, width: int) -> str:
    whole, part = divmod(round((share or 0) / largest * width * len(_EIGHTHS)), len(_EIGHTHS))
    return "█" * whole + (_EIGHTHS[part] if part else "")


def _findings(figures: Figures) -> Iterator[Text]:
    found = list(phrases.to_look_into(figures))
    if found:
        yield Text(f"\n{phrases.TO_LOOK_INTO}", style="bold")
    for kind, sentence in found:
        yield Text.assemble("  ", (f"{kind:<7}", _KINDS[kind]), sentence)
