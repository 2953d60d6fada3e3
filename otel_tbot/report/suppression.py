"""Which numbers are not shown: the small ones, and others from which a small one could be worked out.

Shown numbers are linked by sums: the values of a dimension add up to the total, the versions of a release to the
release. A number that is the only one missing from a sum can be worked out. So further, larger numbers are hidden until
each small one could equally be large (complementary suppression, as statistical offices do it).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

Cell = TypeVar("Cell")


@dataclass(frozen=True)
class Sum(Generic[Cell]):
    """Cells that add up to another one.

    Attributes:
        total: the cell that is their sum; None if the sum is shown anyway.
        members: the cells.
    """

    total: Cell | None
    members: tuple[Cell, ...]


def is_small(number: int, at_least: int) -> bool:
    """Return whether a number must not be shown; 0 reveals nothing about anyone."""
    return 0 < number < at_least


def shown(number: int, at_least: int) -> int | None:
    """Return a number, or None if it must not be shown."""
    return None if is_small(number, at_least) else number


def suppress(counts: Mapping[Cell, int], sums: Sequence[Sum[Cell]], at_least: int) -> frozenset[Cell]:
    """Return the cells that must not be shown.

    Where a whole sum is smaller than `at_least`, no other number can protect its cells; see `worked_out`.

    Args:
        counts: the number in each cell.
        sums: how they are linked.
        at_least: smaller numbers are hidden, apart from 0.
    """
    hidden = {cell for cell, count in counts.items() if is_small(count, at_least)}
    while True:
        more = [_complement(counts, one, hidden, at_least) for one in sums]
        if all(cell is None for cell in more) and (known := worked_out(counts, sums, hidden, at_least)):
            more = [
                _visible(counts, one, hidden) for one in sums if any(cell in known for cell in _unknown(one, hidden))
            ]
        found = {cell for cell in more if cell is not None}
        if not found:
            return frozenset(hidden)
        hidden |= found


def worked_out(
    counts: Mapping[Cell, int], sums: Sequence[Sum[Cell]], hidden: AbstractSet[Cell], at_least: int
) -> set[Cell]:
    """Return the small hidden cells whose numbers follow from the shown ones."""
    rows = [row for one in sums if (row := _equation(one, hidden))]
    solved: list[dict[Cell, Fraction]] = []
    for row in rows:  # Gauss-Jordan elimination: a row with one cell left gives its number
        for other in solved:
            _eliminate(row, other)
        if row:
            for other in solved:
                _eliminate(other, row)
            solved.append(row)
    alone = {next(iter(row)) for row in solved if len(row) == 1}
    return {cell for cell in alone if is_small(counts[cell], at_least)}


def _equation(one: Sum[Cell], hidden: AbstractSet[Cell]) -> dict[Cell, Fraction]:
    row = {cell: Fraction(1) for cell in one.members if cell in hidden}
    if one.total is not None and one.total in hidden:
        row[one.total] = Fraction(-1)
    return row


def _eliminate(row: dict[Cell, Fraction], other: Mapping[Cell, Fraction]) -> None:
    """Subtract as much of the other row as removes its first cell."""
    pivot = next(iter(other))
    if pivot not in row:
        return
    factor = row[pivot] / other[pivot]
    for cell, value in other.items():
        row[cell] = row.get(cell, Fraction(0)) - factor * value
        if not row[cell]:
            del row[cell]


def _unknown(one: Sum[Cell], hidden: AbstractSet[Cell]) -> set[Cell]:
    return {cell for cell in (*one.members, one.total) if cell is not None and cell in hidden}


def _complement(counts: Mapping[Cell, int], one: Sum[Cell], hidden: AbstractSet[Cell], at_least: int) -> Cell | None:
    """Return a further cell to hide, if the sum gives away what is hidden."""
    members = [cell for cell in one.members if cell in hidden]
    if one.total is not None and one.total in hidden:
        return None if members else _visible(counts, one, hidden)
    together = sum(counts[cell] for cell in members)
    if not together:
        return None
    # Each hidden number is at least 1, so this is the most that one of them can be.
    most = together - sum(1 for cell in members if counts[cell]) + 1
    if len(members) > 1 and most >= at_least:
        return None
    return _visible(counts, one, hidden)


def _visible(counts: Mapping[Cell, int], one: Sum[Cell], hidden: AbstractSet[Cell]) -> Cell | None:
    """Return the visible cell that is least missed: the smallest number, then a 0, then the sum itself."""
    visible = [cell for cell in one.members if cell not in hidden]
    if visible:
        return min(visible, key=lambda cell: (not counts[cell], counts[cell], str(cell)))
    return None if one.total in hidden else one.total
