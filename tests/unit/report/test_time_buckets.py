"""The steps of a period, without partial weeks and days, and how many of them are drawn."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from otel_tbot.report.time_buckets import MOST_STEPS, drawn, one_in, whole_days, whole_steps


def test_whole_days() -> None:
    """The first and the last day count only if events cover them from the first to the last hour."""
    assert whole_days(datetime(2026, 6, 1, 0, 59), datetime(2026, 6, 3, 22)) == [date(2026, 6, 1), date(2026, 6, 2)]
    assert whole_days(datetime(2026, 6, 1, 1), datetime(2026, 6, 2, 23)) == [date(2026, 6, 2)]
    assert whole_days(datetime(2026, 6, 1, 1), datetime(2026, 6, 1, 2)) == []


def test_weeks() -> None:
    """A period of six whole weeks is divided into weeks, from Monday to Sunday."""
    steps = whole_steps(datetime(2026, 5, 29, 12), datetime(2026, 7, 14, 12))
    assert (steps.unit, steps.begins[0], steps.begins[-1]) == ("week", date(2026, 6, 1), date(2026, 7, 6))
    assert (steps.begin, steps.end) == (date(2026, 6, 1), date(2026, 7, 13))


def test_days() -> None:
    """A period of less than six whole weeks is divided into days."""
    steps = whole_steps(datetime(2026, 6, 1), datetime(2026, 7, 12, 12))
    assert (steps.unit, len(steps.begins), steps.end) == ("day", 41, date(2026, 7, 12))


def test_none() -> None:
    """A few hours have no whole step."""
    assert whole_steps(datetime(2026, 6, 1, 9), datetime(2026, 6, 1, 10)).begins == ()


@pytest.mark.parametrize(("number", "expected"), [(0, 1), (1, 1), (53, 1), (54, 2), (106, 2), (107, 3)])
def test_one_of_as_few_as_possible_is_drawn(number: int, expected: int) -> None:
    """All are drawn up to the limit, then one of as few as possible."""
    assert one_in(number, 53) == expected


@pytest.mark.parametrize("number", [1, 53, 54, 260])
def test_the_last_step_is_always_drawn(number: int) -> None:
    """The finding is about the last week, so it is in the picture."""
    steps = tuple(date(2026, 6, 1) + timedelta(weeks=week) for week in range(number))
    assert drawn(steps)[-1] == steps[-1]
    assert len(drawn(steps)) <= MOST_STEPS
