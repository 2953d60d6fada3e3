"""What changes: releases by week, join methods between first and last weeks, old releases, and what is new."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from otel_tbot.report.dimensions import SQL
from otel_tbot.report.figures import NOT_SET, OTHERS, RUN_MODES, Change, New, OldReleases, Share, Table
from otel_tbot.report.suppression import Sum, suppress

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from otel_tbot.report.figures import Burst
    from otel_tbot.report.store import Starts
    from otel_tbot.report.time_buckets import Steps

SERIES = 12  # releases that a chart shows separately; more could not be distinguished
COMPARED = 4  # steps at each end
RECENT = timedelta(weeks=4)
MIN_PERIOD = timedelta(weeks=8)
NEW_IN = ("join_type", "version", "helper")
IN_USE = 0.005  # of the starts: one machine with an unreleased version must not make other releases old

# Starts of one run mode, by step and value.
Counted = dict[str, dict[date, dict[str, int]]]


def count_steps(starts: Starts, dimension: str, steps: Steps, bursts: Iterable[Burst], modes: Sequence[str]) -> Counted:
    """Count the starts of some run modes in whole steps, without bursts, which would distort the shares."""
    counted: Counted = {mode: {step: {} for step in steps.begins} for mode in RUN_MODES}
    if not steps.begins:
        return counted
    calm = "".join(
        f" AND NOT (run_mode = 'daemon' AND time >= '{burst.begin}' AND time < '{burst.end}')" for burst in bursts
    )
    rows = starts.query(
        f"""
        SELECT CAST(date_trunc('{steps.unit}', time) AS DATE) AS step, run_mode, {SQL[dimension]} AS value, count(*)
        FROM tbot_starts WHERE time >= '{steps.begin}' AND time < '{steps.end}' {calm}
        GROUP BY step, run_mode, value ORDER BY step, run_mode, value
        """
    )
    for step, mode, value, number in rows:
        if mode in modes:
            counted[mode][step][value] = number
    return counted


def release_shares(counted: Counted, table: Table, at_least: int) -> Iterator[Share]:
    """Return the share of each release by step; rare and suppressed ones are combined."""
    frequent = sorted(table.rows, key=lambda row: sum(number or 0 for number in row.starts.values()), reverse=True)
    named = {row.value for row in frequent[:SERIES]}
    for mode in RUN_MODES:
        shown = named - {row.value for row in table.rows if row.starts[mode] is None}
        for step, values in counted[mode].items():
            yield from _shares(step, mode, values, shown, at_least)


def _shares(step: date, mode: str, values: Mapping[str, int], shown: set[str], at_least: int) -> Iterator[Share]:
    total = sum(values.values())
    hidden = suppress(values, [Sum(None, tuple(values))], at_least)
    named = {value: number for value, number in values.items() if value in shown and value not in hidden}
    for value, number in named.items():
        yield Share(begin=step, run_mode=mode, value=value, share=number / total)
    if others := total - sum(named.values()):
        yield Share(begin=step, run_mode=mode, value=OTHERS, share=others / total)


def join_method_changes(counted: Counted, steps: Steps, at_least: int) -> Iterator[Change]:
    """Compare the first with the last steps, four of each where there are enough."""
    compared = min(COMPARED, len(steps.begins) // 2)
    if len(steps.begins) < COMPARED:
        return
    for mode in RUN_MODES:
        before = _together(counted[mode][step] for step in steps.begins[:compared])
        after = _together(counted[mode][step] for step in steps.begins[-compared:])
        hidden = set().union(*(suppress(one, [Sum(None, tuple(one))], at_least) for one in (before, after)))
        if not before or not after:
            continue
        for value in sorted((before.keys() | after.keys()) - hidden):
            yield Change(
                run_mode=mode,
                value=value,
                before=before.get(value, 0) / sum(before.values()),
                after=after.get(value, 0) / sum(after.values()),
            )


def _together(steps: Iterable[Mapping[str, int]]) -> dict[str, int]:
    numbers: dict[str, int] = defaultdict(int)
    for step in steps:
        for value, number in step.items():
            numbers[value] += number
    return dict(numbers)


def old_releases(counted: Counted, steps: Steps, supported_majors: int, at_least: int) -> Iterator[OldReleases]:
    """Return the share of starts with a release that was old by then; unknown versions are not counted."""
    newest: int | None = None
    for step in steps.begins:
        newest = newest_major(_together(counted[mode][step] for mode in RUN_MODES), at_least, newest)
        if newest is None:
            continue
        for mode in RUN_MODES:
            majors = _majors(counted[mode][step])
            total = sum(majors.values())
            old = sum(number for major, number in majors.items() if major <= newest - supported_majors)
            if total and not (0 < old < at_least or 0 < total - old < at_least):
                yield OldReleases(begin=step, run_mode=mode, share=old / total, newest_major=newest)


def newest_major(releases: Mapping[str, int], at_least: int, known: int | None = None) -> int | None:
    """Return the newest major release that is in use.

    Args:
        releases: the starts of each release.
        at_least: a release with fewer starts is not in use.
        known: the newest one before.
    """
    majors = _majors(releases)
    enough = max(at_least, IN_USE * sum(majors.values()))
    return max(
        (*(major for major, number in majors.items() if number >= enough), *([] if known is None else [known])),
        default=None,
    )


def _majors(releases: Mapping[str, int]) -> dict[int, int]:
    majors: dict[int, int] = defaultdict(int)
    for release, number in releases.items():
        if release != NOT_SET:
            majors[int(release.partition(".")[0])] += number
    return dict(majors)


def find_new(starts: Starts, tables: Mapping[str, Table], first: datetime, last: datetime) -> Iterator[New]:
    """Return the values that are shown and were not seen before the last four weeks."""
    if last - first < MIN_PERIOD:
        return
    for dimension in NEW_IN:
        rows = starts.query(
            f"SELECT {SQL[dimension]} AS value, CAST(min(time) AS DATE) FROM tbot_starts "
            f"GROUP BY value HAVING min(time) > '{last - RECENT}'"
        )
        seen: dict[str, date] = dict(rows)
        for row in tables[dimension].rows:
            if row.value in seen and row.value != NOT_SET:
                yield New(dimension=dimension, value=row.value, starts=row.starts, since=seen[row.value])
