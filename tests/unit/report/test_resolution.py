"""The resolution at which a long period is drawn."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from otel_tbot.report.resolution import MOST_STEPS, drawn, one_in


@pytest.mark.parametrize(("number", "expected"), [(0, 1), (1, 1), (53, 1), (54, 2), (106, 2), (107, 3)])
def test_as_few_steps_as_possible_are_skipped(number: int, expected: int) -> None:
    """All steps are drawn while there is room."""
    assert one_in(number, 53) == expected


@pytest.mark.parametrize("number", [1, 53, 54, 260])
def test_the_last_step_is_always_drawn(number: int) -> None:
    """The last week is drawn, because the finding is about it."""
    steps = tuple(date(2026, 6, 1) + timedelta(weeks=week) for week in range(number))
    assert drawn(steps)[-1] == steps[-1]
    assert len(drawn(steps)) <= MOST_STEPS
