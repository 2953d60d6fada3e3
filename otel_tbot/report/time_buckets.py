"""The steps of time that trends are shown by, whole weeks or whole days, and how many of them are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
_MIN_WEEKS = 6
_LAST_HOUR = 23
# More would not be seen, and would make the page large.
MOST_DAYS = 366
MOST_STEPS = 53  # weeks of a year


@dataclass(frozen=True, kw_only=True)
class Steps:
    """Steps of equal length.

    Attributes:
        unit: `week` or `day`.
        begins: the first day of each.
    """

    unit: str
    begins: tuple[date, ...]

    @property
    def end(self) -> date:
        """The day after the last step; the day that never comes where there are none."""
        return self.begins[-1] + (WEEK if self.unit == "week" else DAY) if self.begins else date.min

    @property
    def begin(self) -> date:
        """The first day of the first step."""
        return self.begins[0] if self.begins else date.min


def whole_days(first: datetime, last: datetime) -> list[date]:
    """Return the days between two events that the events cover as a whole, as far as the events tell."""
    begin = first.date() if first.hour == 0 else first.date() + DAY
    end = last.date() if last.hour == _LAST_HOUR else last.date() - DAY
    return [begin + DAY * number for number in range((end - begin).days + 1)]


def whole_steps(first: datetime, last: datetime) -> Steps:
    """Return the whole weeks between two events, or the whole days where there are fewer than six weeks."""
    days = whole_days(first, last)
    mondays = [day for day in days if day.isoweekday() == 1 and day + WEEK - DAY <= days[-1]]
    if len(mondays) >= _MIN_WEEKS:
        return Steps(unit="week", begins=tuple(mondays))
    return Steps(unit="day", begins=tuple(days))


def one_in(number: int, most: int) -> int:
    """Return of how many neighbours one is drawn, so that there are no more than admitted."""
    return max(1, -(-number // most))


def drawn(steps: tuple[date, ...]) -> tuple[date, ...]:
    """Return the steps that are drawn, the last one always among them."""
    return steps[::-1][:: one_in(len(steps), MOST_STEPS)][::-1]
