"""The table of each dimension: its values, their starts and shares, after suppression."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from otel_tbot.report.dimensions import (
    DIMENSIONS,
    KINDS,
    SQL,
    helper_of,
    is_version,
    os_and_arch,
    release_of,
    version_key,
)
from otel_tbot.report.figures import RUN_MODES, Destinations, Row, Table
from otel_tbot.report.suppression import Sum, is_small, shown, suppress, worked_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from otel_tbot.report.store import Starts

Cell = tuple[str, str]  # a dimension and a value, or a kind of destinations and a bucket

_BUCKETS = ("0", "1", "2", "3+")  # destinations of one kind


@dataclass(frozen=True)
class Counts:
    """All starts, counted by each dimension, before suppression.

    Attributes:
        totals: the starts of each run mode.
        starts: by run mode, then by `(dimension, value)`; 0 where there are none.
        days: the number of days on which a value was seen, by `(dimension, value)`.
        buckets: by run mode, then by `(kind, bucket)`.
    """

    totals: Mapping[str, int]
    starts: Mapping[str, dict[Cell, int]]
    days: dict[Cell, int] = field(default_factory=dict)
    buckets: Mapping[str, dict[Cell, int]] = field(default_factory=dict)


def count(starts: Starts) -> Counts:
    """Count the starts by every dimension."""
    totals = dict.fromkeys(RUN_MODES, 0) | dict(
        starts.query("SELECT run_mode, count(*) FROM tbot_starts GROUP BY run_mode")
    )
    counts = Counts(
        totals=totals,
        starts={mode: defaultdict(int) for mode in RUN_MODES},
        buckets={mode: {(kind, bucket): 0 for kind in KINDS for bucket in _BUCKETS} for mode in RUN_MODES},
    )
    for dimension in DIMENSIONS:
        rows = starts.query(
            f"SELECT {SQL[dimension]} AS value, run_mode, count(*) FROM tbot_starts GROUP BY value, run_mode"
        )
        for value, mode, number in rows:
            for each in RUN_MODES:
                counts.starts[each][dimension, value] += number if each == mode else 0
        days = starts.query(
            f"SELECT {SQL[dimension]} AS value, count(DISTINCT CAST(time AS DATE)) FROM tbot_starts GROUP BY value"
        )
        counts.days.update({(dimension, value): number for value, number in days})
    for kind in KINDS:
        rows = starts.query(
            f"SELECT run_mode, least(destinations_{kind}, 3) AS bucket, count(*) FROM tbot_starts "
            "GROUP BY run_mode, bucket"
        )
        for mode, bucket, number in rows:
            counts.buckets[mode][kind, _BUCKETS[bucket]] = number
    return counts


def build_tables(counts: Counts, at_least: int) -> tuple[dict[str, Table], tuple[Destinations, ...]]:
    """Return the table of each dimension, and the destinations by kind, without what is suppressed."""
    parts, wholes = list(_linked_sums(counts)), list(_total_sums(counts))
    # Cells cannot be worked out from a total that is itself hidden.
    sums = {mode: parts if is_small(counts.totals[mode], at_least) else [*parts, *wholes] for mode in RUN_MODES}
    cells = {mode: {**counts.starts[mode], **counts.buckets[mode]} for mode in RUN_MODES}
    hidden = {mode: suppress(cells[mode], sums[mode], at_least) for mode in RUN_MODES}
    unnamed = set().union(*(worked_out(cells[mode], sums[mode], hidden[mode], at_least) for mode in RUN_MODES))
    tables = {dimension: _table(dimension, counts, hidden, unnamed, at_least) for dimension in DIMENSIONS}
    return tables, tuple(_destinations(counts, hidden))


def _total_sums(counts: Counts) -> Iterator[Sum[Cell]]:
    """Return the cells that add up to all starts of a run mode."""
    values = _values(counts)
    for dimension in DIMENSIONS:
        if dimension != "run_mode":  # its numbers are the totals
            yield Sum(None, tuple((dimension, value) for value in values[dimension]))
    for kind in KINDS:
        yield Sum(None, tuple((kind, bucket) for bucket in _BUCKETS))


def _values(counts: Counts) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {dimension: [] for dimension in DIMENSIONS}
    for dimension, value in counts.days:
        values[dimension].append(value)
    return values


def _linked_sums(counts: Counts) -> Iterator[Sum[Cell]]:
    """Return how the numbers of different tables are linked."""
    values = _values(counts)
    for coarse, fine, part in (
        ("release", "version", release_of),
        ("helper", "helper_version", helper_of),
        ("os", "platform", lambda value: os_and_arch(value)[0]),
        ("arch", "platform", lambda value: os_and_arch(value)[1]),
    ):
        members = defaultdict(list)
        for value in values[fine]:
            members[part(value)].append((fine, value))
        for whole, cells in members.items():
            yield Sum((coarse, whole), tuple(cells))
    for kind in KINDS:
        without = (value for value in values["destinations"] if kind not in value.split(" + "))
        yield Sum((kind, _BUCKETS[0]), tuple(("destinations", value) for value in without))


def _table(
    dimension: str, counts: Counts, hidden: Mapping[str, frozenset[Cell]], unnamed: set[Cell], at_least: int
) -> Table:
    values = [value for name, value in counts.days if name == dimension]

    def starts(value: str, mode: str) -> int:
        return counts.starts[mode][dimension, value]

    def is_shown(value: str) -> bool:
        large = any(starts(value, mode) >= at_least for mode in RUN_MODES)
        return large and (dimension, value) not in unnamed

    rows = [_row(dimension, value, counts, hidden) for value in values if is_shown(value)]
    named = {row.value for row in rows}
    rest = [value for value in values if value not in named]
    return Table(
        dimension=dimension,
        rows=tuple(_sorted(dimension, rows)),
        suppressed=len(rest),
        suppressed_starts={
            mode: None
            if any(row.starts[mode] is None for row in rows)
            else shown(sum(starts(value, mode) for value in rest), at_least)
            for mode in RUN_MODES
        },
    )


def _sorted(dimension: str, rows: list[Row]) -> list[Row]:
    if is_version(dimension):
        return sorted(rows, key=lambda row: version_key(row.value), reverse=True)
    return sorted(rows, key=_from_frequent_to_rare)


def _from_frequent_to_rare(row: Row) -> tuple[float, str]:
    # By what is shown only: the place of a row must not reveal what is suppressed.
    return -max(share or 0 for share in row.shares.values()), row.value


def _row(dimension: str, value: str, counts: Counts, hidden: Mapping[str, frozenset[Cell]]) -> Row:
    starts = {
        mode: None if (dimension, value) in hidden[mode] else counts.starts[mode][dimension, value]
        for mode in RUN_MODES
    }
    return Row(
        value=value,
        starts=starts,
        shares={
            mode: None if number is None or not counts.totals[mode] else number / counts.totals[mode]
            for mode, number in starts.items()
        },
        days=counts.days[dimension, value],
    )


def _destinations(counts: Counts, hidden: Mapping[str, frozenset[Cell]]) -> Iterator[Destinations]:
    for kind in KINDS:
        for mode in RUN_MODES:
            total = counts.totals[mode]
            cells = [(kind, bucket) for bucket in _BUCKETS]
            none, one, two, more = (counts.buckets[mode][cell] / (total or 1) for cell in cells)
            shown = total and not hidden[mode].intersection(cells)
            yield Destinations(kind=kind, run_mode=mode, shares=(none, one, two, more) if shown else None)
