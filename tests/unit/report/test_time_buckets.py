"""Partial weeks and partial days are left out."""

from __future__ import annotations

from datetime import date, datetime

from otel_tbot.report.time_buckets import whole_days, whole_steps


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
