"""All figures of a report, from the table of starts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from otel_tbot.report import trends, volume
from otel_tbot.report.figures import RUN_MODES, Burst, Figures, Table
from otel_tbot.report.suppression import shown
from otel_tbot.report.tables import build_tables, count
from otel_tbot.report.time_buckets import whole_steps

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from otel_tbot.report.store import Starts


def compute_figures(starts: Starts, *, at_least: int, supported_majors: int) -> Figures:
    """Compute everything that a report says.

    Args:
        starts: what was read, at least one start.
        at_least: values and run modes with fewer starts are suppressed; 1 suppresses nothing.
        supported_majors: the number of newest major releases that do not count as old.
    """
    first, last = _first_and_last(starts)
    counts = count(starts)
    tables, destinations = build_tables(counts, at_least)
    totals = {mode: shown(number, at_least) for mode, number in counts.totals.items()}
    per_day = tuple(entry for entry in volume.count_days(starts, first, last) if totals[entry[1]] is not None)
    hours = volume.count_hours(starts)
    per_hour = volume.daemon_hours(hours) if totals["daemon"] is not None else ()
    bursts = volume.find_bursts(starts, per_hour, at_least)
    steps = whole_steps(first, last)
    modes = [mode for mode in RUN_MODES if totals[mode] is not None]
    releases = trends.count_steps(starts, "release", steps, bursts, modes)
    join_methods = trends.count_steps(starts, "join_type", steps, bursts, modes)
    all_releases: dict[str, int] = {}
    for numbers in counts.starts.values():
        for (dimension, value), number in numbers.items():
            if dimension == "release":
                all_releases[value] = all_releases.get(value, 0) + number
    return Figures(
        first=first,
        last=last,
        at_least=at_least,
        supported_majors=supported_majors,
        starts=totals,
        median_day=volume.median_day(per_day, first, last),
        left_out=starts.left_out,
        tables=tables,
        step=steps.unit,
        steps=steps.begins,
        releases=tuple(trends.release_shares(releases, tables["release"], at_least)),
        join_methods=tuple(trends.join_method_changes(join_methods, steps, at_least)),
        destinations=destinations,
        per_day=per_day,
        per_hour=per_hour,
        hours_of_week=volume.average_week(hours, first, last, at_least),
        gaps=volume.find_gaps(per_day),
        bursts=tuple(_without_suppressed(burst, tables) for burst in bursts),
        old_releases=tuple(trends.old_releases(releases, steps, supported_majors, at_least)),
        newest_major=trends.newest_major(all_releases, at_least),
        new=tuple(trends.find_new(starts, tables, first, last)),
    )


def _first_and_last(starts: Starts) -> tuple[datetime, datetime]:
    ((first, last),) = starts.query("SELECT min(time), max(time) FROM tbot_starts")
    return first, last


def _without_suppressed(burst: Burst, tables: Mapping[str, Table]) -> Burst:
    """Remove what a burst would reveal about a value that its table does not show."""
    for dimension, value in (("version", burst.version), ("join_type", burst.join_type)):
        if value is None or not any(
            row.value == value and row.starts["daemon"] is not None for row in tables[dimension].rows
        ):
            return replace(burst, version=None, join_type=None, starts_of_these=None)
    return burst
