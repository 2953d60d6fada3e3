"""How finely a long period is drawn and listed: more would not be seen, and would make the page large."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

MOST_DAYS = 366
MOST_STEPS = 53  # weeks of a year


def one_in(number: int, most: int) -> int:
    """Return of how many neighbours one is drawn, so that there are no more than admitted."""
    return max(1, -(-number // most))


def drawn(steps: tuple[date, ...]) -> tuple[date, ...]:
    """Return the steps that are drawn, the last one always among them."""
    return steps[::-1][:: one_in(len(steps), MOST_STEPS)][::-1]
