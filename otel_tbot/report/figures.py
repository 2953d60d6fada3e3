"""The figures of a report, after small numbers are suppressed, and independent of how they are shown.

Every format is made from `Figures` alone, so that no format can show what another suppresses. Times are in UTC and
without a time zone. One-shot and daemon starts are never added.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

RUN_MODES = ("one-shot", "daemon")
NOT_SET = "(not set)"
BURST_HISTORY = 7 * 24  # hours: a burst stands out from this many before it
OTHERS = "(others)"  # the suppressed and the rare values of a series, together


@dataclass(frozen=True)
class Row:
    """One value of a dimension.

    Attributes:
        value: the value, or `NOT_SET`.
        starts: the starts of each run mode; None where the number is suppressed.
        shares: their share of all starts of the run mode, 0 to 1; None where suppressed, or where there are no starts.
        days: the number of days on which the value was seen.
    """

    value: str
    starts: Mapping[str, int | None]
    shares: Mapping[str, float | None]
    days: int


@dataclass(frozen=True)
class Table:
    """All values of a dimension that are shown.

    Attributes:
        dimension: a name that `--by` takes.
        rows: versions from new to old, other values from frequent to rare.
        suppressed: how many further values have too few starts to be shown.
        suppressed_starts: their starts of each run mode; None where even the sum is suppressed.
    """

    dimension: str
    rows: tuple[Row, ...]
    suppressed: int
    suppressed_starts: Mapping[str, int | None]


@dataclass(frozen=True)
class Share:
    """A value's share of one run mode's starts in one step of time.

    Attributes:
        begin: the first day of the week, or the day.
        run_mode: the run mode.
        value: the value, or `OTHERS`.
        share: 0 to 1; the shares of a step and run mode add up to 1.
    """

    begin: date
    run_mode: str
    value: str
    share: float


@dataclass(frozen=True)
class Change:
    """How a join method's share moved between the first and the last steps (four weeks each where there are enough).

    Attributes:
        run_mode: the run mode.
        value: the join method.
        before: the earlier share, 0 to 1.
        after: the later share.
    """

    run_mode: str
    value: str
    before: float
    after: float


@dataclass(frozen=True)
class Destinations:
    """How many destinations of one kind the starts of a run mode have.

    Attributes:
        kind: `other`, `database`, `kubernetes` or `application`.
        run_mode: the run mode.
        shares: the shares of the starts with none, 1, 2, and 3 or more; they add up to 1. None if suppressed.
    """

    kind: str
    run_mode: str
    shares: tuple[float, float, float, float] | None


@dataclass(frozen=True)
class OldReleases:
    """The share of starts with a release older than the supported majors, as of one step of time.

    Attributes:
        begin: the first day of the week, or the day.
        run_mode: the run mode.
        share: 0 to 1.
        newest_major: the newest major release in use by then.
    """

    begin: date
    run_mode: str
    share: float
    newest_major: int


@dataclass(frozen=True)
class Burst:
    """Hours with far more daemon starts than the week before.

    Attributes:
        begin: the first hour.
        end: the end of the last hour.
        starts: the daemon starts between `begin` and `end`.
        expected: the starts that are usual for as many hours.
        version: the version with most of them, or None if too few share it.
        join_type: its join method, or None.
        starts_of_these: the starts of that version and join method, or None.
    """

    begin: datetime
    end: datetime
    starts: int
    expected: int
    version: str | None
    join_type: str | None
    starts_of_these: int | None


@dataclass(frozen=True)
class New:
    """A value that was not seen before the last four weeks.

    Attributes:
        dimension: a name that `--by` takes.
        value: the value.
        starts: its starts of each run mode; None where the number is suppressed.
        since: the day on which it was first seen.
    """

    dimension: str
    value: str
    starts: Mapping[str, int | None]
    since: date


@dataclass(frozen=True)
class LeftOut:
    """What was read and is not counted; None where that is not known.

    Attributes:
        unreadable_lines: lines that are not OTLP/JSON.
        invalid: records named `tbot.start` that the schema does not allow.
        repeated: further deliveries of a session that is counted.
        implausible_time: events before tbot existed, or after tomorrow.
        outside_period: events outside `--since` and `--until`.
    """

    unreadable_lines: int
    invalid: int | None
    repeated: int | None
    implausible_time: int | None
    outside_period: int | None

    @property
    def lost(self) -> int:
        """The number of records that should have been counted, as far as it is known."""
        return self.unreadable_lines + (self.invalid or 0) + (self.implausible_time or 0)


@dataclass(frozen=True)
class Figures:
    """Everything that a report says.

    Attributes:
        first: the time of the first event.
        last: the time of the last event.
        at_least: values with fewer starts are suppressed.
        supported_majors: the number of newest major releases that do not count as old.
        starts: the starts of each run mode; None where suppressed, and then no other figure reveals them.
        median_day: the median of each run mode's starts per day; of whole days only, where there are any.
        left_out: what is not counted.
        tables: a table for each dimension, by name.
        step: `week`, or `day` where the period has fewer than six whole weeks.
        steps: the first day of each whole step.
        releases: the share of each release (`MAJOR.MINOR`) by step; without bursts.
        join_methods: the movement of join methods; without bursts; empty where there are fewer than four steps.
        destinations: destinations by kind and run mode.
        per_day: the starts of each day and shown run mode, `(day, run mode, starts)`, days without starts included.
        per_hour: the daemon starts of each hour, `(hour, starts)`, hours without starts included.
        hours_of_week: the average of one-shot starts, `(ISO weekday 1-7, hour, starts)`; suppressed ones are None.
        gaps: days with so few starts that the store may lack events.
        bursts: hours with far more daemon starts than the week before.
        old_releases: by step and run mode.
        newest_major: the newest major release in use; None if no version is known.
        new: values first seen in the last four weeks; empty where the period is shorter than eight.
    """

    first: datetime
    last: datetime
    at_least: int
    supported_majors: int
    starts: Mapping[str, int | None]
    median_day: Mapping[str, int | None]
    left_out: LeftOut
    tables: Mapping[str, Table]
    step: str
    steps: tuple[date, ...]
    releases: tuple[Share, ...]
    join_methods: tuple[Change, ...]
    destinations: tuple[Destinations, ...]
    per_day: tuple[tuple[date, str, int], ...]
    per_hour: tuple[tuple[datetime, int], ...]
    hours_of_week: tuple[tuple[int, int, float | None], ...]
    gaps: tuple[date, ...]
    bursts: tuple[Burst, ...]
    old_releases: tuple[OldReleases, ...]
    newest_major: int | None
    new: tuple[New, ...]
