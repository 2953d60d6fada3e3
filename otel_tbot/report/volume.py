"""When starts happen: by day and hour, days that the store may lack, and hours with far too many."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import date, datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING

from otel_tbot.report.figures import BURST_HISTORY, RUN_MODES, Burst
from otel_tbot.report.suppression import Sum, suppress
from otel_tbot.report.time_buckets import DAY, whole_days

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from otel_tbot.report.store import Starts

HOUR = timedelta(hours=1)

# A burst: an hour above all three of these, compared with the week before.
BURST_TIMES_MEDIAN = 5
BURST_DEVIATIONS = 10
SIGMA = 1.4826  # median absolute deviations in a standard deviation
BURST_LEAST = 30  # starts
_JOINED = 2 * HOUR  # bursts this close together are one

# A gap: a day far below the days around it that are, like it, at a weekend or not.
GAP_AROUND = 21  # days before and after
GAP_PART = 0.4  # of their median
GAP_DEVIATIONS = 5  # of a count as large as their median
GAP_FEWEST_AROUND = 5
SATURDAY = 6

PerDay = tuple[tuple[date, str, int], ...]
PerHour = tuple[tuple[datetime, int], ...]
Hours = dict[tuple[datetime, str], int]  # the starts of each hour and run mode, hours without starts left out


def count_days(starts: Starts, first: datetime, last: datetime) -> PerDay:
    """Return the starts of each day and run mode, days without starts included."""
    rows = starts.query("SELECT CAST(time AS DATE) AS day, run_mode, count(*) FROM tbot_starts GROUP BY day, run_mode")
    numbers = {(day, mode): number for day, mode, number in rows}
    days = [first.date() + DAY * number for number in range((last.date() - first.date()).days + 1)]
    return tuple((day, mode, numbers.get((day, mode), 0)) for day in days for mode in RUN_MODES)


def median_day(per_day: PerDay, first: datetime, last: datetime) -> dict[str, int | None]:
    """Return the median of the starts on a day, of whole days where there are any; None for a run mode without days."""
    whole = set(whole_days(first, last)) or {day for day, _, _ in per_day}
    starts = {
        mode: [number for day, run_mode, number in per_day if run_mode == mode and day in whole] for mode in RUN_MODES
    }
    return {mode: round(median(numbers)) if numbers else None for mode, numbers in starts.items()}


def find_gaps(per_day: PerDay) -> tuple[date, ...]:
    """Return the days with so few starts of any run mode that the store may lack events; never the first or last."""
    starts: dict[date, int] = defaultdict(int)
    for day, _, number in per_day:
        starts[day] += number
    days = list(starts)

    def is_gap(index: int) -> bool:
        day = days[index]
        around = [
            starts[other]
            for other in days[max(0, index - GAP_AROUND) : index + GAP_AROUND + 1]
            if other != day and (other.isoweekday() >= SATURDAY) == (day.isoweekday() >= SATURDAY)
        ]
        if len(around) <= GAP_FEWEST_AROUND:
            return False
        usual = float(median(around))
        return starts[day] < min(GAP_PART * usual, usual - GAP_DEVIATIONS * math.sqrt(usual))

    return tuple(days[index] for index in range(1, len(days) - 1) if is_gap(index))


def count_hours(starts: Starts) -> Hours:
    """Count the starts of each hour."""
    rows = starts.query(
        "SELECT date_trunc('hour', time) AS hour, run_mode, count(*) FROM tbot_starts GROUP BY hour, run_mode"
    )
    return {(hour, mode): number for hour, mode, number in rows}


def daemon_hours(hours: Hours) -> PerHour:
    """Return the daemon starts of each hour from the first one on, hours without starts included."""
    starts = {hour: number for (hour, mode), number in hours.items() if mode == "daemon"}
    if not starts:
        return ()
    first, last = min(starts), max(starts)
    every = (first + HOUR * number for number in range((last - first) // HOUR + 1))
    return tuple((hour, starts.get(hour, 0)) for hour in every)


def find_bursts(starts: Starts, per_hour: PerHour, at_least: int) -> tuple[Burst, ...]:
    """Return the bursts, each with the version and join method that most of its starts have."""
    return tuple(
        _burst(starts, hours, at_least) for hours in _burst_hours([number for _, number in per_hour], per_hour)
    )


def _burst_hours(starts: Sequence[int], per_hour: PerHour) -> Iterator[list[tuple[datetime, int, float]]]:
    """Return the hours of each burst: the hour, its starts, and the starts that are usual."""
    found: list[tuple[datetime, int, float]] = []
    for index in range(BURST_HISTORY, len(starts)):
        past = starts[index - BURST_HISTORY : index]
        if starts[index] <= max(BURST_LEAST, BURST_TIMES_MEDIAN * (usual := median(past))):
            continue
        deviation = median(abs(number - usual) for number in past)
        if starts[index] <= usual + BURST_DEVIATIONS * SIGMA * deviation:
            continue
        hour = per_hour[index][0]
        if found and hour - found[-1][0] > _JOINED:
            yield found
            found = []
        found.append((hour, starts[index], usual))
    if found:
        yield found


def _burst(starts: Starts, hours: Sequence[tuple[datetime, int, float]], at_least: int) -> Burst:
    begin, end = hours[0][0], hours[-1][0] + HOUR
    ((version, join_type, most),) = starts.query(
        f"""
        SELECT version, join_type, count(*) AS number FROM tbot_starts
        WHERE run_mode = 'daemon' AND time >= '{begin}' AND time < '{end}'
        GROUP BY version, join_type ORDER BY number DESC, version, join_type LIMIT 1
        """
    )
    shown = most >= at_least
    return Burst(
        begin=begin,
        end=end,
        starts=sum(number for _, number, _ in hours),
        expected=round(hours[0][2] * ((end - begin) / HOUR)),
        version=version if shown else None,
        join_type=join_type if shown else None,
        starts_of_these=most if shown else None,
    )


def average_week(
    hours: Hours, first: datetime, last: datetime, at_least: int
) -> tuple[tuple[int, int, float | None], ...]:
    """Return the average of one-shot starts in each hour of the week; None is suppressed."""
    cells = [(day, hour) for day in range(1, 8) for hour in range(24)]
    starts = dict.fromkeys(cells, 0)
    for (hour, mode), number in hours.items():
        starts[hour.isoweekday(), hour.hour] += number if mode == "one-shot" else 0
    # How often each hour of the week is in the period: a partial week must not weigh more.
    present: dict[tuple[int, int], int] = defaultdict(int)
    begin = first.replace(minute=0, second=0, microsecond=0)
    for number in range((last - begin) // HOUR + 1):
        of_period = begin + HOUR * number
        present[of_period.isoweekday(), of_period.hour] += 1
    hidden = suppress(starts, [Sum(None, tuple(cells))], at_least)
    return tuple((*cell, None if cell in hidden else starts[cell] / max(1, present[cell])) for cell in cells)
