"""Numbers, shares, days and values as readable text, the same in every format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_tbot.report.figures import NOT_SET, OTHERS

if TYPE_CHECKING:
    from datetime import date, datetime

NOT_SHOWN = "not shown"  # a suppressed number; it may be above the threshold if it would give another one away
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
NUMBERS_OF_DESTINATIONS = ("none", "1", "2", "3 or more")
_LOWEST_SHARE = 0.0005  # below, one decimal of a percent would read 0.0%
_WHOLE_PERCENT = 0.095  # from here on, decimals of a percent say nothing
_SMALL_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def count(number: int | None) -> str:
    """Return a number with thousands separators, or that it is not shown."""
    return NOT_SHOWN if number is None else f"{number:,}"


def percent(share: float | None) -> str:
    """Return a share of 0 to 1 in percent: whole from 10% on, with one decimal below."""
    if share is None:
        return NOT_SHOWN
    if share >= _WHOLE_PERCENT:
        # Only the whole may read 100%.
        return f"{min(share, 0.99) if share < 1 else 1:.0%}"
    if share >= _LOWEST_SHARE:
        return f"{share:.1%}"
    return "<0.1%" if share > 0 else "0%"


def points(change: float) -> str:
    """Return a change of a share in percentage points, with its sign."""
    return f"{change * 100:+.1f}".replace("-", "\N{MINUS SIGN}")


def day(moment: date) -> str:
    """Return a day without its year: `9 November`."""
    return f"{moment.day} {moment:%B}"


def full_day(moment: date) -> str:
    """Return a day with its year: `9 November 2026`."""
    return f"{day(moment)} {moment.year}"


def minute(moment: datetime) -> str:
    """Return a day and a time of it: `9 November, 14:00`."""
    return f"{day(moment)}, {moment:%H:%M}"


def period(first: datetime, last: datetime) -> str:
    """Return the period between two events: `9 November 2026 to 12 November 2026`."""
    if first.date() == last.date():
        return full_day(first)
    return f"{full_day(first)} to {full_day(last)}"


def pluralize(number: int, one: str, many: str) -> str:
    """Return a number with its noun in the singular or plural."""
    return f"{number:,} {one if number == 1 else many}"


def spell_out(number: int) -> str:
    """Return a small number as a word."""
    return _SMALL_NUMBERS[number] if number < len(_SMALL_NUMBERS) else str(number)


def natural_list(parts: list[str]) -> str:
    """Return a list as text: `a, b and c`."""
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else "".join(parts)


def value(text: str, *, missing: str = NOT_SET, others: str = OTHERS) -> str:
    """Return a value of a dimension without characters that could affect a terminal or a page.

    Args:
        text: the value as stored.
        missing: the text for `NOT_SET`.
        others: the text for `OTHERS`.
    """
    if text == NOT_SET:
        return missing
    if text == OTHERS:
        return others
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
