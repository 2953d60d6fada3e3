"""The finding of each chart as a sentence, for every format.

A sentence says only what the figures prove. What is suppressed may be more frequent than anything that is shown, so
"leads" and "no other" are said only where the hidden starts are too few to contradict.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from otel_tbot.report import display
from otel_tbot.report.figures import BURST_HISTORY, NOT_SET, OTHERS, RUN_MODES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from otel_tbot.report.figures import Burst, Figures, Row, Table


@dataclass(frozen=True)
class _Claim:
    """The largest share of a run mode's starts that is shown; `leads` if nothing hidden can be larger."""

    run_mode: str
    value: str
    share: float
    leads: bool


class Strong(str):
    """The part of a sentence that answers the question; a format may emphasise it."""

    __slots__ = ()


GAP_TEXT = "so far below the days around that the store may lack events"

Finding: TypeAlias = tuple[str, ...]  # parts of a sentence, in order; those of type `Strong` are emphasised

_MISSING = {
    "helper": "no helper",
    "join_type": "no join method",
    "platform": "no platform",
    "release": "no known version",
}
_KINDS = {"application": "an application", "database": "a database", "kubernetes": "a Kubernetes"}
_STARTS = {"one-shot": "one-shot starts", "daemon": "daemon starts"}
_FEWEST_DAYS = 3  # are needed to call one usual
_COMPARED = 8  # weeks, so that the first four and the last four do not overlap
_WORKDAYS = range(1, 6)
_WORKING_HOURS = range(6, 18)


def plain(finding: Iterable[str]) -> str:
    """Return the sentence without emphasis."""
    return "".join(finding)


def findings(figures: Figures) -> Mapping[str, Finding]:
    """Return the sentence of each chart by its name; a chart without a finding has none."""
    sentences = {
        "releases": _releases(figures),
        "join_methods": _frequent(figures, "join_type"),
        "movement": _movement(figures),
        "destinations": _destinations(figures),
        "helpers": _helpers(figures),
        "platforms": _frequent(figures, "platform"),
        "per_day": _per_day(figures),
        "bursts": _bursts(figures),
        "old_releases": _old_releases(figures),
        "hours": _hours(figures),
        "new": _new(figures),
    }
    return {name: sentence for name, sentence in sentences.items() if sentence}


def can_compare_days(figures: Figures) -> bool:
    """Return whether there are enough days to call one usual."""
    return len({day for day, *_ in figures.per_day}) >= _FEWEST_DAYS


def can_find_bursts(figures: Figures) -> bool:
    """Return whether the period is long enough to distinguish a burst from the usual, and has daemon starts."""
    return len(figures.per_hour) > BURST_HISTORY and bool(figures.starts.get("daemon"))


def bursts_since(figures: Figures) -> datetime:
    """Return the first hour that has a week before it to compare with."""
    return figures.per_hour[BURST_HISTORY][0]


def _releases(figures: Figures) -> Finding:
    if not figures.steps:
        return _frequent(figures, "release")
    last = figures.steps[-1]
    claims: list[_Claim] = []
    for mode in RUN_MODES:
        shares = {
            entry.value: entry.share for entry in figures.releases if (entry.begin, entry.run_mode) == (last, mode)
        }
        named = {value: share for value, share in shares.items() if value not in (OTHERS, NOT_SET)}
        if named:
            value = max(named, key=lambda value: named[value])
            # The others are a sum; each of them is at most as large.
            leads = all(share < named[value] for other, share in shares.items() if other != value)
            claims.append(_Claim(mode, display.value(value), named[value], leads=leads))
    return _claims_sentence(claims, begin=_during(figures, last))


def _during(figures: Figures, step: date) -> str:
    return f"In the week of {display.day(step)}, " if figures.step == "week" else f"On {display.day(step)}, "


def _frequent(figures: Figures, dimension: str) -> Finding:
    table = figures.tables.get(dimension)
    if table is None or not (table.rows or table.suppressed):
        return ()
    if not table.rows:
        return ("No value has enough starts to be shown.",)
    claims: list[_Claim] = []
    for mode in RUN_MODES:
        row = _first(table, mode)
        share = row.shares.get(mode) if row else None
        if row and share is not None:
            name = display.value(row.value, missing=_MISSING.get(dimension, NOT_SET))
            claims.append(_Claim(mode, name, share, leads=_leads(figures, table, row, mode)))
    return _claims_sentence(claims)


def _claims_sentence(claims: list[_Claim], *, begin: str = "") -> Finding:
    """Return which value has the largest share of each run mode that is shown."""
    parts: list[Finding] = []
    for place, claim in enumerate(claims):
        share = f"{display.percent(claim.share)} of the {_STARTS[claim.run_mode]}"
        before = claims[place - 1] if place else None
        if before and (before.value, before.leads) == (claim.value, claim.leads):
            parts.append((share,))
        else:
            parts.append((Strong(claim.value), f" {'leads with' if claim.leads else 'has'} {share}"))
    return _sentence(parts, begin=begin)


def _leads(figures: Figures, table: Table, row: Row, mode: str) -> bool:
    """Return whether no other value, shown or hidden, can have as many starts."""
    others = [other.starts.get(mode) or 0 for other in table.rows if other is not row]
    starts = row.starts.get(mode) or 0
    hidden = (figures.starts[mode] or 0) - starts - sum(others)
    return starts > max([hidden, *others])


def _first(table: Table, mode: str) -> Row | None:
    """Return the most frequent value whose number is shown."""
    return max((row for row in table.rows if row.starts.get(mode)), key=lambda row: row.starts[mode] or 0, default=None)


def _movement(figures: Figures) -> Finding:
    parts: list[Finding] = []
    named = ""
    for mode in RUN_MODES:
        moved = [change for change in figures.join_methods if change.run_mode == mode]
        if moved:
            most = max(moved, key=lambda change: abs(change.after - change.before))
            change = most.after - most.before
            by = f"{'rose' if change > 0 else 'fell'} by {abs(change) * 100:.1f} points of the {_STARTS[mode]}"
            parts.append((by,) if most.value == named else (Strong(display.value(most.value)), f" {by}"))
            named = most.value
    unit = "weeks" if figures.step == "week" else "days"
    compared = f"From the first {unit} to the last, "
    if figures.step == "week" and len(figures.steps) >= _COMPARED:
        compared = "From the first four whole weeks to the last four, "
    return _sentence(parts, begin=compared)


def _destinations(figures: Figures) -> Finding:
    """Name the most frequent kind apart from the usual one, `other`."""
    shares = {(entry.kind, entry.run_mode): 1 - entry.shares[0] for entry in figures.destinations if entry.shares}
    special = {key: share for key, share in shares.items() if key[0] in _KINDS and share > 0}
    if not special:
        return ()
    kind, _ = max(special, key=lambda key: special[key])
    parts = [
        (Strong(display.percent(shares[kind, mode])), f" of the {_STARTS[mode]}")
        for mode in RUN_MODES
        if (kind, mode) in shares
    ]
    return _sentence(parts, end=f" have {_KINDS[kind]} destination. A start can have several kinds.")


def _helpers(figures: Figures) -> Finding:
    table = figures.tables.get("helper")
    if table is None or not table.rows:
        return _frequent(figures, "helper")
    without = next((row for row in table.rows if row.value == NOT_SET), None)
    parts: list[Finding] = []
    for mode in RUN_MODES:
        share = without.shares.get(mode) if without else None
        if share is not None:
            parts.append((Strong(display.percent(1 - share)), f" of the {_STARTS[mode]}"))
    return _sentence(parts, end=" are made by a helper.") or _frequent(figures, "helper")


def _per_day(figures: Figures) -> Finding:
    if not can_compare_days(figures):
        return ()
    usual = [
        (Strong(display.count(figures.median_day[mode])), f" {_STARTS[mode]}")
        for mode in RUN_MODES
        if figures.starts.get(mode)
    ]
    sentence = _sentence(usual, begin="A usual day has ")
    if not figures.gaps:
        return sentence
    days = [display.day(gap) for gap in figures.gaps[:3]]
    if len(figures.gaps) > len(days):
        days.append(display.pluralize(len(figures.gaps) - len(days), "more day", "more days"))
    verb = "is" if len(figures.gaps) == 1 else "are"
    return (
        *sentence,
        " ",
        Strong(display.natural_list(days)),
        f" {verb} {GAP_TEXT}.",
    )


def _bursts(figures: Figures) -> Finding:
    if not can_find_bursts(figures):
        return ()
    if not figures.bursts:
        since = display.day(bursts_since(figures))
        return (
            Strong(f"Not since {since}"),
            ": no hour stands out from the week before it. The first week has nothing before it.",
        )
    largest = max(figures.bursts, key=lambda found: found.starts)
    if len(figures.bursts) == 1:
        return (Strong("Yes, once"), f": {burst(largest)}.")
    times = "twice" if len(figures.bursts) == 2 else f"{display.spell_out(len(figures.bursts))} times"  # noqa: PLR2004 - twice
    return (Strong(f"Yes, {times}"), f". The largest: {burst(largest)}.")


def burst(found: Burst) -> str:
    """Return when a burst was, how large it was, and what most of its starts share."""
    end = f"{found.end:%H:%M}" if found.end.date() == found.begin.date() else display.minute(found.end)
    text = (
        f"{display.minute(found.begin)} to {end} (UTC), "
        f"{display.pluralize(found.starts, 'daemon start', 'daemon starts')} "
        f"where {display.count(found.expected) if found.expected else 'none'} would be usual"
    )
    named = [display.value(text) for text in (found.version, found.join_type) if text is not None]
    if found.starts_of_these is None or not named:
        return text
    return f"{text}; {display.percent(found.starts_of_these / found.starts)} of them have {' with '.join(named)}"


def oldest_supported(figures: Figures) -> int | None:
    """Return the oldest major release that is not old, or None if no version is known."""
    return None if figures.newest_major is None else first_supported(figures.newest_major, figures)


def first_supported(newest_major: int, figures: Figures) -> int:
    """Return the oldest major release that was not old when another was the newest."""
    return max(0, newest_major - figures.supported_majors + 1)


def _old_releases(figures: Figures) -> Finding:
    if not figures.old_releases:
        return ()
    last = max(entry.begin for entry in figures.old_releases)
    latest = [
        entry for mode in RUN_MODES for entry in figures.old_releases if (entry.begin, entry.run_mode) == (last, mode)
    ]
    newest = max(entry.newest_major for entry in latest)
    oldest = first_supported(newest, figures)
    return _sentence(
        [(Strong(display.percent(entry.share)), f" of the {_STARTS[entry.run_mode]}") for entry in latest],
        begin=_during(figures, last),
        end=f" had a release older than {oldest}; {newest} was the newest.",
    )


def _hours(figures: Figures) -> Finding:
    shown = [(day, hour, starts) for day, hour, starts in figures.hours_of_week if starts is not None]
    total = sum(starts for *_, starts in shown)
    if not total:
        return ()
    if len(shown) < len(figures.hours_of_week):
        return ("Hours with few starts are left blank.",)
    working = sum(starts for day, hour, starts in shown if day in _WORKDAYS and hour in _WORKING_HOURS)
    return (
        "In an average week, ",
        Strong(display.percent(working / total)),
        " of the one-shot starts come from Monday to Friday between 6:00 and 18:00 (UTC).",
    )


def _new(figures: Figures) -> Finding:
    return ("Values that were not seen before the last four weeks.",) if figures.new else ()


def _sentence(parts: Sequence[Finding], *, begin: str = "", end: str = ".") -> Finding:
    """Join the parts of one sentence, or return nothing if there are none."""
    if not parts:
        return ()
    joined: list[str] = [begin] if begin else []
    for place, part in enumerate(parts):
        joined.extend(([" and "] if place else []) + list(part))
    return (*joined, end)
