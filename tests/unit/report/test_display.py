"""Numbers and values as a reader sees them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from otel_tbot.report import display
from otel_tbot.report.figures import NOT_SET, OTHERS

_MORNING = datetime(2026, 11, 9, 14, 5)


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (None, "not shown"),
        (0, "0%"),
        (0.0001, "<0.1%"),
        (0.0005, "0.1%"),
        (0.0126, "1.3%"),
        (0.0949, "9.5%"),
        (0.095, "10%"),
        (0.354, "35%"),
        (0.9999, "99%"),
        (1, "100%"),
    ],
)
def test_a_share_is_rounded_to_0_or_100_only_if_exact(share: float | None, expected: str) -> None:
    """Only 0 is shown as 0%, and only 1 as 100%."""
    assert display.percent(share) == expected


def test_a_suppressed_number_is_called_not_shown() -> None:
    """A suppressed number is not called small: it may protect another one."""
    assert display.count(None) == "not shown"


def test_thousands_are_separated() -> None:
    """A large number has commas."""
    assert display.count(767_627) == "767,627"


@pytest.mark.parametrize(("change", "expected"), [(0.077, "+7.7"), (-0.004, "\N{MINUS SIGN}0.4"), (0, "+0.0")])
def test_a_change_has_its_sign(change: float, expected: str) -> None:
    """A change is in percentage points, with a sign."""
    assert display.points(change) == expected


def test_a_day_is_written_as_in_a_sentence() -> None:
    """A day has no leading zero."""
    assert display.minute(_MORNING) == "9 November, 14:05"


def test_a_period_of_one_day_is_that_day() -> None:
    """Two events of one day have one date."""
    assert display.period(_MORNING, _MORNING + timedelta(hours=2)) == "9 November 2026"
    assert display.period(_MORNING, _MORNING + timedelta(days=1)) == "9 November 2026 to 10 November 2026"


@pytest.mark.parametrize(
    ("parts", "expected"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_an_enumeration_ends_with_and(parts: list[str], expected: str) -> None:
    """The last two parts are joined by a word."""
    assert display.natural_list(parts) == expected


def test_a_noun_follows_its_number() -> None:
    """One file, two files."""
    assert (display.pluralize(1, "file", "files"), display.pluralize(2, "file", "files")) == ("1 file", "2 files")


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\n", "\x7f", "\x9b", "\u202e", "\u2028", "\ud800"])
def test_a_value_holds_no_control_character(character: str) -> None:
    """Terminal control characters, direction marks and characters that cannot be encoded are replaced."""
    assert display.value(f"a{character}b") == "a\N{REPLACEMENT CHARACTER}b"


def test_a_missing_value_has_the_name_that_fits_the_dimension() -> None:
    """The chart of helpers uses another name than the table."""
    assert display.value(NOT_SET, missing="no helper") == "no helper"
    assert display.value(OTHERS) == OTHERS
