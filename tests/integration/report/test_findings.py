"""Planted bursts, gaps and new values are found, and nothing in quiet data."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.support.stored_starts import BEGIN, line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DAYS = 70
HOUR = timedelta(hours=1)


def quiet(*, without_day: int = -1) -> Iterator[bytes]:
    """Return daemon starts at an even rate, two or three per hour."""
    for hour in range(DAYS * 24):
        if hour // 24 != without_day:
            for number in range(2 + hour % 2):
                yield daemon(hour, number)


def daemon(hour: int, second: int, version: str = "18.2.3") -> bytes:
    """Return the start of a daemon."""
    time = BEGIN + HOUR * hour + timedelta(seconds=second)
    return line(time=time, run_mode="daemon", join_type="kubernetes", version=version)


def test_quiet_data(report: Callable[..., Any]) -> None:
    """Even starts have neither bursts nor gaps, and nothing new."""
    document = report(b"".join(quiet()))
    assert (document["bursts"], document["gaps"], document["new"]) == ([], [], [])


def test_burst(report: Callable[..., Any]) -> None:
    """Three hours of restarts are one burst, with the version and join method of most of them."""
    planted = (daemon(1000 + hour, second) for hour in range(3) for second in range(200))
    document = report(b"".join([*quiet(), *planted]))
    (burst,) = document["bursts"]
    begin = BEGIN + HOUR * 1000
    assert burst == {
        "from": f"{begin:%Y-%m-%dT%H:%M:%SZ}",
        "until": f"{begin + 3 * HOUR:%Y-%m-%dT%H:%M:%SZ}",
        "starts": 607,
        "expected": 8,
        "version": "18.2.3",
        "join_type": "kubernetes",
    }


def test_gap(report: Callable[..., Any]) -> None:
    """A day without starts between days with many is a gap."""
    document = report(b"".join(quiet(without_day=30)))
    assert document["gaps"] == [f"{BEGIN + timedelta(days=30):%Y-%m-%d}"]


def test_new_release(report: Callable[..., Any]) -> None:
    """A version that comes in the last four weeks is new; one with too few starts is not named."""
    # Hidden along with the rare one, which could be derived otherwise.
    small = [daemon(24 + number, 9, "17.5.0") for number in range(15)]
    planted = [daemon(24 * 60 + number, 9, "19.0.0") for number in range(20)]
    rare = [daemon(24 * 60, 9, "20.0.0-dev")]
    document = report(b"".join([*quiet(), *small, *planted, *rare]))
    assert document["new"] == [
        {
            "dimension": "version",
            "value": "19.0.0",
            "starts": {"one-shot": 0, "daemon": 20},
            "since": f"{BEGIN + timedelta(days=60):%Y-%m-%d}",
        }
    ]
