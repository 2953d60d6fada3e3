"""Times on the command line."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import click
import pytest

from otel_tbot.cli.parameters import Moment


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-06-01", datetime(2026, 6, 1)),
        ("2026-06-01T12:30:00", datetime(2026, 6, 1, 12, 30)),
        ("2026-06-01T12:30:00+02:00", datetime(2026, 6, 1, 10, 30)),
    ],
)
def test_time(text: str, expected: datetime) -> None:
    """A date or a time without a zone is in UTC."""
    assert Moment().convert(text, None, None) == expected


@pytest.mark.parametrize(("text", "hours"), [("12h", 12), ("30d", 720), ("4w", 672)])
def test_age(text: str, hours: int) -> None:
    """An age is counted back from now."""
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    assert abs(now - timedelta(hours=hours) - Moment().convert(text, None, None)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "text", ["", "soon", "30", "-3d", "3y", "d", "²d", "9999999999999d", "0001-01-01T00:00:00+14:00"]
)
def test_invalid(text: str) -> None:
    """Anything else is a usage error."""
    with pytest.raises(click.BadParameter, match="neither a date, an ISO time nor an age"):
        Moment().convert(text, None, None)
