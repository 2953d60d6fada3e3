"""One row of the table: our measurement, what it is compared with, and the budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, kw_only=True)
class Row:
    """One comparison.

    Attributes:
        what: what is measured, as text.
        reference: what it is compared with.
        budget: the largest ratio allowed; None for a row that only explains the one above it.
        ours: takes a sample of ours.
        theirs: takes one of the reference.
        above: takes a sample of a cost to subtract from ours; None if there is none.
        unit: the unit of the samples, `s` or `B`.
    """

    what: str
    reference: str
    budget: float | None
    ours: Callable[[], float]
    theirs: Callable[[], float]
    above: Callable[[], float] | None = None
    unit: str = "s"
