"""Figures of reports, made up without reading events: half a year, three events of one hour, and hostile texts."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from otel_tbot.report.figures import (
    NOT_SET,
    OTHERS,
    RUN_MODES,
    Burst,
    Change,
    Destinations,
    Figures,
    LeftOut,
    New,
    OldReleases,
    Row,
    Share,
    Table,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_Number = TypeVar("_Number")
_FIRST = date(2026, 6, 1)  # a Monday
_HALF_YEAR = 25  # weeks
_BURST = datetime(2026, 9, 29, 9)
_GAP = date(2026, 9, 19)
_RELEASES = {  # the week of its release, and how slowly its share declines
    "15.4": -60,
    "16.5": -40,
    "17.5": -20,
    "17.7": -9,
    "18.1": -4,
    "18.2": 3,
    "18.3": 8,
    "18.4": 12,
    "19.0": 17,
    "19.1": 23,
}
_JOIN_METHODS = {
    "github": (0.354, 0.018),
    "kubernetes": (0.042, 0.436),
    "gitlab": (0.167, 0.003),
    "token": (0.072, 0.148),
    "iam": (0.062, 0.13),
    "bound_keypair": (0.032, 0.08),
    "circleci": (0.063, 0.0005),
    "gcp": (0.031, 0.056),
    "terraform_cloud": (0.052, 0.0009),
    "azure": (0.041, 0.046),
    "tpm": (0.0006, 0.047),
    "azure_devops": (0.031, 0.0005),
    "bitbucket": (0.021, 0.0005),
    "spacelift": (0.021, 0.001),
    "oracle": (0.003, 0.018),
    "_OTHER": (0.004, 0.009),
    NOT_SET: (0.004, 0.004),
    "env0": (0.0002, 0.0001),
}
_HELPERS = {
    NOT_SET: (0.747, 1.0),
    "gha:teleport-actions/auth": (0.124, 0.0),
    "gha:teleport-actions/auth-k8s": (0.089, 0.0),
    "gha:teleport-actions/auth-application": (0.018, 0.0),
    "terraform:provider": (0.013, 0.0),
}
_PLATFORMS = {
    "linux amd64": (0.785, 0.798),
    "linux arm64": (0.153, 0.143),
    "darwin arm64": (0.019, 0.018),
    "windows amd64": (0.013, 0.013),
    "linux (not set)": (0.013, 0.012),
    "(not set) amd64": (0.011, 0.01),
    "windows arm64": (0.003, 0.002),
    "linux arm32": (0.001, 0.001),
}
_KINDS = {"other": (0.1, 0.66, 0.16, 0.08), "database": (0.9, 0.07, 0.02, 0.01)} | {
    "kubernetes": (0.62, 0.33, 0.04, 0.01),
    "application": (0.86, 0.1, 0.03, 0.01),
}


def half_year() -> Figures:
    """Return figures of 25 weeks with a burst, a gap and a new release."""
    return weeks(_HALF_YEAR)


def weeks(number: int) -> Figures:
    """Return such figures for another period."""
    days = [_FIRST + timedelta(days=place) for place in range(number * 7 + 3)]
    noise = random.Random(18)  # noqa: S311 - the same figures each time
    per_hour = [(hour, _daemons(hour, noise)) for day in days for hour in _hours(day)]
    per_day = []
    for place, day in enumerate(days):
        one_shot = round((3900 + 16 * place) * (1 if day.weekday() < 5 else 0.34) * noise.uniform(0.96, 1.04))
        daemon = sum(starts for _, starts in per_hour[24 * place : 24 * place + 24])
        per_day += [(day, "one-shot", one_shot // (9 if day == _GAP else 1)), (day, "daemon", daemon)]
    starts = {mode: sum(number for _, run_mode, number in per_day if run_mode == mode) for mode in RUN_MODES}
    steps = tuple(_FIRST + timedelta(weeks=week) for week in range(number))
    releases = tuple(share for step in steps for mode in RUN_MODES for share in _releases(step, mode))
    return Figures(
        first=datetime(2026, 6, 1, 0, 0, 7),
        last=datetime(2026, 6, 3, 23, 58, 51) + timedelta(weeks=number),
        at_least=10,
        supported_majors=2,
        starts=starts,
        median_day={mode: _median(per_day, mode) for mode in RUN_MODES},
        left_out=LeftOut(unreadable_lines=8, invalid=316, repeated=2075, implausible_time=3, outside_period=0),
        tables={
            "release": _table("release", _all_releases(releases, number), starts, suppressed=2),
            "join_type": _table("join_type", _JOIN_METHODS, starts),
            "helper": _table("helper", _HELPERS, starts, suppressed=2),
            "platform": _table("platform", _PLATFORMS, starts, suppressed=5),
        },
        step="week",
        steps=steps,
        releases=releases,
        join_methods=tuple(
            Change(run_mode=mode, value=name, before=shares[place] * (1.06 - move), after=shares[place] * (1 + move))
            for name, shares in _JOIN_METHODS.items()
            for place, mode in enumerate(RUN_MODES)
            for move in [0.9 if name == "bound_keypair" else noise.uniform(-0.1, 0.1)]
        ),
        destinations=tuple(
            Destinations(kind=kind, run_mode=mode, shares=shares)
            for kind, shares in _KINDS.items()
            for mode in RUN_MODES
        ),
        per_day=tuple(per_day),
        per_hour=tuple(per_hour),
        hours_of_week=tuple(
            (day, hour, (460 if day < 6 else 130) * math.exp(-(((hour - 11.5) / 4.6) ** 2)) + 12)
            for day in range(1, 8)
            for hour in range(24)
        ),
        gaps=(_GAP,),
        bursts=(
            Burst(
                begin=_BURST,
                end=_BURST + timedelta(hours=6),
                starts=12_177,
                expected=282,
                version="18.4.1",
                join_type="kubernetes",
                starts_of_these=11_933,
            ),
        ),
        old_releases=tuple(_old(step, mode, releases) for step in steps for mode in RUN_MODES),
        newest_major=19,
        new=(
            New("version", "19.1.0", {"one-shot": 16_323, "daemon": 2_862}, date(2026, 11, 9)),
            New("join_type", "env0", {"one-shot": 176, "daemon": 11}, date(2026, 11, 12)),
        ),
    )


def three_events() -> Figures:
    """Return figures of three events of one hour, without suppression."""
    moment = datetime(2026, 11, 25, 9, 14)
    starts = {"one-shot": 2, "daemon": 1}

    def table(dimension: str, rows: Mapping[str, tuple[int, int]]) -> Table:
        return Table(
            dimension,
            tuple(
                Row(
                    value,
                    dict(zip(RUN_MODES, numbers, strict=True)),
                    {mode: number / starts[mode] for mode, number in zip(RUN_MODES, numbers, strict=True)},
                    1,
                )
                for value, numbers in rows.items()
            ),
            0,
            {"one-shot": 0, "daemon": 0},
        )

    return Figures(
        first=moment,
        last=moment + timedelta(minutes=31),
        at_least=1,
        supported_majors=2,
        starts=starts,
        median_day=starts,
        left_out=LeftOut(unreadable_lines=0, invalid=0, repeated=1, implausible_time=0, outside_period=0),
        tables={
            "release": table("release", {"18.4": (1, 1), "18.3": (1, 0)}),
            "join_type": table("join_type", {"github": (2, 0), "kubernetes": (0, 1)}),
            "helper": table("helper", {NOT_SET: (1, 1), "gha:teleport-actions/auth": (1, 0)}),
            "platform": table("platform", {"linux amd64": (2, 0), "windows amd64": (0, 1)}),
        },
        step="day",
        steps=(),
        releases=(),
        join_methods=(),
        destinations=tuple(
            Destinations(
                kind=kind, run_mode=mode, shares=(0.0, 1.0, 0.0, 0.0) if kind == "other" else (1.0, 0.0, 0.0, 0.0)
            )
            for kind in _KINDS
            for mode in RUN_MODES
        ),
        per_day=tuple((moment.date(), mode, number) for mode, number in starts.items()),
        per_hour=((moment.replace(minute=0), 1),),
        hours_of_week=(),
        gaps=(),
        bursts=(),
        old_releases=(),
        newest_major=18,
        new=(),
    )


def suppressed() -> Figures:
    """Return figures of the same three events with a minimum of ten."""
    figures = three_events()
    unknown = dict.fromkeys(RUN_MODES)
    return replace(
        figures,
        at_least=10,
        starts=unknown,
        median_day=unknown,
        per_day=(),
        per_hour=(),
        tables={name: Table(name, (), len(table.rows), unknown) for name, table in figures.tables.items()},
        destinations=tuple(replace(entry, shares=None) for entry in figures.destinations),
    )


def few_daemons() -> Figures:
    """Return figures of half a year with so few daemon starts that none of their figures is shown."""
    figures = half_year()

    def hidden(numbers: Mapping[str, _Number]) -> dict[str, _Number | None]:
        return {**numbers, "daemon": None}

    return replace(
        figures,
        starts=hidden(figures.starts),
        median_day=hidden(figures.median_day),
        tables={
            name: replace(
                table,
                rows=tuple(replace(row, starts=hidden(row.starts), shares=hidden(row.shares)) for row in table.rows),
            )
            for name, table in figures.tables.items()
        },
        releases=tuple(entry for entry in figures.releases if entry.run_mode != "daemon"),
        join_methods=tuple(entry for entry in figures.join_methods if entry.run_mode != "daemon"),
        destinations=tuple(
            replace(entry, shares=None if entry.run_mode == "daemon" else entry.shares)
            for entry in figures.destinations
        ),
        per_day=tuple(entry for entry in figures.per_day if entry[1] != "daemon"),
        per_hour=(),
        bursts=(),
        old_releases=tuple(entry for entry in figures.old_releases if entry.run_mode != "daemon"),
        new=tuple(replace(entry, starts=hidden(entry.starts)) for entry in figures.new),
    )


def hostile(text: str) -> Figures:
    """Return figures in which every text from events is replaced by the given one."""
    figures = half_year()
    return replace(
        figures,
        tables={
            name: replace(table, rows=tuple(replace(row, value=f"{text}{row.value}") for row in table.rows))
            for name, table in figures.tables.items()
        },
        releases=tuple(replace(share, value=f"{text}{share.value}") for share in figures.releases),
        join_methods=tuple(replace(change, value=f"{text}{change.value}") for change in figures.join_methods),
        destinations=tuple(replace(entry, kind=entry.kind) for entry in figures.destinations),
        bursts=tuple(replace(burst, version=text, join_type=text) for burst in figures.bursts),
        new=tuple(replace(entry, value=text) for entry in figures.new),
    )


def _hours(day: date) -> list[datetime]:
    midnight = datetime(day.year, day.month, day.day)
    return [midnight + timedelta(hours=hour) for hour in range(24)]


def _daemons(hour: datetime, noise: random.Random) -> int:
    usual = noise.uniform(36, 58) * (1 if hour.weekday() < 5 else 0.6)
    if hour.date() == _GAP:
        return round(usual / 12)
    return round(usual * (42 if timedelta() <= hour - _BURST < timedelta(hours=6) else 1))


def _median(per_day: list[tuple[date, str, int]], mode: str) -> int:
    numbers = sorted(number for _, run_mode, number in per_day if run_mode == mode)
    return numbers[len(numbers) // 2]


def _releases(step: date, mode: str) -> list[Share]:
    """Return the shares of a week: each release rises over some weeks and declines as newer ones appear."""
    week = (step - _FIRST).days / 7
    slow = 1.0 if mode == "one-shot" else 1.35
    ages = {name: (week - came) / slow for name, came in _RELEASES.items()}
    weights = {name: (1 - math.exp(-age / 2.5)) * math.exp(-age / 8) for name, age in ages.items() if age > 0}
    weights = {name: weight + (0.03 if name < "17" else 0) for name, weight in weights.items()}
    weights[OTHERS] = 0.012
    total = sum(weights.values())
    return [Share(begin=step, run_mode=mode, value=name, share=weight / total) for name, weight in weights.items()]


def _all_releases(releases: tuple[Share, ...], number: int) -> dict[str, tuple[float, float]]:
    def mean(name: str, mode: str) -> float:
        return sum(share.share for share in releases if (share.value, share.run_mode) == (name, mode)) / number

    return {name: (mean(name, "one-shot"), mean(name, "daemon")) for name in reversed(_RELEASES)}


def _old(step: date, mode: str, releases: tuple[Share, ...]) -> OldReleases:
    newest = 19 if (step - _FIRST).days / 7 > _RELEASES["19.0"] else 18
    share = sum(
        entry.share
        for entry in releases
        if (entry.begin, entry.run_mode) == (step, mode)
        and entry.value != OTHERS
        and int(entry.value.partition(".")[0]) < newest - 1
    )
    return OldReleases(begin=step, run_mode=mode, share=share, newest_major=newest)


def _table(
    dimension: str, shares: Mapping[str, tuple[float, float]], starts: Mapping[str, int], *, suppressed: int = 0
) -> Table:
    rows = []
    for value, by_mode in shares.items():
        numbers = {mode: round(starts[mode] * share) for mode, share in zip(RUN_MODES, by_mode, strict=True)}
        shown = {mode: number if number >= 10 or not number else None for mode, number in numbers.items()}
        fractions = {mode: None if number is None else number / starts[mode] for mode, number in shown.items()}
        rows.append(Row(value=value, starts=shown, shares=fractions, days=min(175, max(numbers.values()))))
    return Table(
        dimension=dimension,
        rows=tuple(rows),
        suppressed=suppressed,
        suppressed_starts={"one-shot": 730 if suppressed else 0, "daemon": None if suppressed else 0},
    )
