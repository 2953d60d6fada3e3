"""One row of the table: what is ours, what it is compared with, and the budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, kw_only=True)
class Row:
    """One comparison.

    Attributes:
        what: what is compared, for people.
        reference: what with.
        budget: the largest ratio allowed; None for what only explains the row above it.
        ours: takes a sample of ours.
        theirs: takes one of the reference.
        above: takes a sample of what both need and neither is to be charged for; None where there is nothing.
        unit: of the samples, `s` or `B`.
    """

    what: str
    reference: str
    budget: float | None
    ours: Callable[[], float]
    theirs: Callable[[], float]
    above: Callable[[], float] | None = None
    unit: str = "s"
