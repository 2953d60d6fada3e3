"""The tables next to the charts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from otel_tbot.report import chart_numbers
from otel_tbot.report.figures import OTHERS, Figures, Share
from tests.support import sample_figures


@pytest.fixture(scope="module")
def figures() -> Figures:
    """Return the figures of half a year."""
    return sample_figures.half_year()


@pytest.mark.parametrize(
    "table",
    [
        chart_numbers.of_releases,
        chart_numbers.of_movement,
        chart_numbers.of_destinations,
        chart_numbers.of_days,
        chart_numbers.of_bursts,
        chart_numbers.of_old_releases,
        chart_numbers.of_hours,
    ],
)
def test_every_row_has_all_columns(figures: Figures, table: object) -> None:
    """Every row has a cell for each column."""
    made = table(figures)  # type: ignore[operator]  # one of the functions above
    assert made.rows
    assert {len(row) for row in made.rows} == {len(made.head)}


def test_a_dimension_ends_with_the_hidden_values(figures: Figures) -> None:
    """The hidden values are counted, and their starts only where they need no suppression."""
    table = chart_numbers.of_dimension(figures.tables["release"], "release")
    assert table.head == ("release", "one-shot", "share", "daemon", "share", "days seen")
    assert table.rows[-1] == ("2 further values, not shown", "730", "", "not shown", "", "")


def test_a_suppressed_number_has_no_share(figures: Figures) -> None:
    """A share would reveal the number."""
    first, *others = figures.tables["join_type"].rows
    hidden = replace(first, starts={**first.starts, "daemon": None}, shares={**first.shares, "daemon": None})
    table = chart_numbers.of_dimension(replace(figures.tables["join_type"], rows=(hidden, *others)), "join method")
    assert table.rows[0][3:5] == ("not shown", "")


def test_a_release_that_may_be_among_the_others_is_not_zero(figures: Figures) -> None:
    """Where a week's share of a release is not shown, its cell is empty."""
    first, second, *_ = figures.steps
    shares = (
        Share(first, "daemon", "19.0", 1.0),
        Share(second, "daemon", "18.10", 0.6),
        Share(second, "daemon", "18.9", 0.3),
        Share(second, "daemon", OTHERS, 0.1),
    )
    table = chart_numbers.of_releases(replace(figures, releases=shares))
    assert table.head == ("week of", "run mode", "19.0", "18.10", "18.9", OTHERS)
    assert table.rows == (
        ("2026-06-01", "daemon", "100%", "", "", ""),
        ("2026-06-08", "daemon", "", "60%", "30%", "10%"),
    )


def test_a_day_that_may_lack_events_is_named(figures: Figures) -> None:
    """The table names the days that the chart shades."""
    assert [row[0] for row in chart_numbers.of_days(figures).rows if row[-1]] == ["2026-09-19"]


def test_a_long_period_lists_its_last_days() -> None:
    """The head of the column says that there are more."""
    for table in (chart_numbers.of_days(sample_figures.weeks(60)), chart_numbers.of_bursts(sample_figures.weeks(60))):
        assert table.head[0] == "the last 366 days"
        assert len(table.rows) == 366


def test_a_burst_is_named_on_its_day(figures: Figures) -> None:
    """The table names the burst that the chart marks."""
    assert [(row[0], row[-1]) for row in chart_numbers.of_bursts(figures).rows if row[-1]] == [
        ("2026-09-29", "burst: 12,177 starts, 282 usual")
    ]


def test_a_hidden_hour_is_not_zero(figures: Figures) -> None:
    """Suppressed numbers and zeros are distinguished."""
    cells = ((1, 0, None), (1, 1, 0.0), (1, 2, 0.4), (1, 3, 1234.5))
    table = chart_numbers.of_hours(replace(figures, hours_of_week=cells))
    assert [row[1] for row in table.rows[:4]] == ["not shown", "0", "0.4", "1,234"]
