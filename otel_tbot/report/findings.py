"""The finding of each chart in a sentence, for every format.

A sentence says only what the figures prove. What is suppressed may be more frequent than anything that is shown, so
"leads" and "no other" are said only where the hidden starts are too few to contradict.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from otel_tbot.report import words
from otel_tbot.report.figures import NOT_SET, OTHERS, RUN_MODES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from otel_tbot.report.figures import Burst, Figures, Row, Table


class Strong(str):
    """The part of a sentence that answers the question; a format may emphasise it."""

    __slots__ = ()


Finding: TypeAlias = tuple[str, ...]  # parts that are read one after the other; those of type `Strong` are emphasised

_MISSING = {"helper": "no helper", "join_type": "no join method", "platform": "no platform"}
_STARTS = {"one-shot": "one-shot starts", "daemon": "daemon starts"}
_BURST_HISTORY = 168  # hours before an hour that can be judged


def plain(finding: Iterable[str]) -> str:
    """Return the sentence without emphasis."""
    return "".join(finding)


def findings(figures: Figures) -> Mapping[str, Finding]:
    """Return the sentences of a report by the name of the chart; a chart that says nothing has none."""
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


def _releases(figures: Figures) -> Finding:
    if not figures.steps:
        return _frequent(figures, "release")
    last = figures.steps[-1]
    parts: list[Finding] = []
    for mode in RUN_MODES:
        shares = {
            entry.value: entry.share for entry in figures.releases if (entry.begin, entry.run_mode) == (last, mode)
        }
        named = {value: share for value, share in shares.items() if value not in (OTHERS, NOT_SET)}
        if not named:
            continue
        value = max(named, key=lambda value: named[value])
        # The others are a sum, each of them at most as large.
        leads = named[value] > shares.get(OTHERS, 0) and named[value] > shares.get(NOT_SET, 0)
        verb = "leads the" if leads else "is in the"
        parts.append((Strong(words.value(value)), f" {verb} {_STARTS[mode]} with {words.percent(named[value])}"))
    when = f"In the week of {words.day(last)}, " if figures.step == "week" else f"On {words.day(last)}, "
    return _sentence(parts, begin=when)


def _frequent(figures: Figures, dimension: str) -> Finding:
    table = figures.tables.get(dimension)
    if table is None:
        return ()
    if not table.rows:
        return (f"No value has the {words.several(figures.at_least, 'start', 'starts')} that it takes to be shown.",)
    parts: list[Finding] = []
    for mode in RUN_MODES:
        row = _first(table, mode)
        if row is None:
            continue
        share = words.percent(row.shares[mode])
        name = Strong(words.value(row.value, missing=_MISSING.get(dimension, NOT_SET)))
        hidden = figures.starts[mode] - sum(other.starts[mode] or 0 for other in table.rows)
        ahead = (row.starts[mode] or 0) > hidden
        parts.append((name, f" {'leads the' if ahead else 'is in the'} {_STARTS[mode]} with {share}"))
    return _sentence(parts)


def _first(table: Table, mode: str) -> Row | None:
    """Return the most frequent value whose number is shown."""
    return max((row for row in table.rows if row.starts.get(mode)), key=lambda row: row.starts[mode] or 0, default=None)


def _movement(figures: Figures) -> Finding:
    if not figures.join_methods:
        return ()
    parts: list[Finding] = []
    for mode in RUN_MODES:
        moved = [change for change in figures.join_methods if change.run_mode == mode]
        if not moved:
            continue
        most = max(moved, key=lambda change: abs(change.after - change.before))
        change = words.points(most.after - most.before)
        parts.append((Strong(words.value(most.value)), f" moved by {change} points of the {_STARTS[mode]}"))
    compared = "From the first four whole weeks to the last four, "
    if figures.step != "week":
        compared = "From the first days to the last, "
    return _sentence(parts, begin=compared)


def _destinations(figures: Figures) -> Finding:
    shares = [entry for entry in figures.destinations if entry.shares is not None and entry.kind == "kubernetes"]
    parts = [
        (Strong(words.percent(1 - entry.shares[0])), f" of the {_STARTS[entry.run_mode]}")
        for mode in RUN_MODES
        for entry in shares
        if entry.run_mode == mode and entry.shares is not None
    ]
    return _sentence(parts, end=" have a Kubernetes destination. A start can have several kinds.")


def _helpers(figures: Figures) -> Finding:
    table = figures.tables.get("helper")
    if table is None or not table.rows:
        return _frequent(figures, "helper")
    without = next((row for row in table.rows if row.value == NOT_SET), None)
    parts: list[Finding] = []
    for mode in RUN_MODES:
        share = without.shares.get(mode) if without else None
        if share is not None:
            parts.append((Strong(words.percent(1 - share)), f" of the {_STARTS[mode]}"))
    return _sentence(parts, end=" are made by a helper.") or _frequent(figures, "helper")


def _per_day(figures: Figures) -> Finding:
    if not figures.per_day:
        return ()
    usual = [
        (Strong(words.count(figures.median_day[mode])), f" {_STARTS[mode]}")
        for mode in RUN_MODES
        if figures.starts.get(mode) and mode in figures.median_day
    ]
    sentence = _sentence(usual, begin="A usual day has ")
    if not figures.gaps:
        return sentence
    days = [words.day(gap) for gap in figures.gaps[:3]]
    if len(figures.gaps) > len(days):
        days.append(words.several(len(figures.gaps) - len(days), "more day", "more days"))
    verb = "is" if len(figures.gaps) == 1 else "are"
    return (
        *sentence,
        " ",
        Strong(words.listed(days)),
        f" {verb} so far below the days around that the store may lack events.",
    )


def _bursts(figures: Figures) -> Finding:
    if len(figures.per_hour) <= _BURST_HISTORY or not figures.starts.get("daemon"):
        return ()
    if not figures.bursts:
        return (Strong("No"), ": no hour stands out from the week before it.")
    largest = max(figures.bursts, key=lambda burst: burst.starts)
    if len(figures.bursts) == 1:
        return (Strong("Yes, once"), f": {_burst(largest)}.")
    times = "twice" if len(figures.bursts) == 2 else f"{words.spelled(len(figures.bursts))} times"  # noqa: PLR2004 - twice
    return (Strong(f"Yes, {times}"), f". The largest: {_burst(largest)}.")


def _burst(burst: Burst) -> str:
    end = f"{burst.end:%H:%M}" if burst.end.date() == burst.begin.date() else words.minute(burst.end)
    text = (
        f"{words.minute(burst.begin)} to {end} (UTC), {words.several(burst.starts, 'daemon start', 'daemon starts')} "
        f"where {words.count(burst.expected)} would be usual"
    )
    named = [words.value(text) for text in (burst.version, burst.join_type) if text is not None]
    if burst.starts_of_these is None or not named:
        return text
    return f"{text}; {words.percent(burst.starts_of_these / burst.starts)} of them have {' with '.join(named)}"


def oldest_supported(figures: Figures) -> int | None:
    """Return the oldest major release that is not old, or None if no version is known."""
    return None if figures.newest_major is None else max(0, figures.newest_major - figures.supported_majors + 1)


def _old_releases(figures: Figures) -> Finding:
    oldest = oldest_supported(figures)
    if not figures.old_releases or oldest is None:
        return ()
    last = max(entry.begin for entry in figures.old_releases)
    parts = [
        (Strong(words.percent(entry.share)), f" of the {_STARTS[entry.run_mode]}")
        for mode in RUN_MODES
        for entry in figures.old_releases
        if (entry.begin, entry.run_mode) == (last, mode)
    ]
    when = f"In the week of {words.day(last)}, " if figures.step == "week" else f"On {words.day(last)}, "
    newest = max(entry.newest_major for entry in figures.old_releases if entry.begin == last)
    oldest = max(0, newest - figures.supported_majors + 1)
    return _sentence(parts, begin=when, end=f" had a release older than {oldest}; {newest} was the newest.")


def _hours(figures: Figures) -> Finding:
    shown = [(day, hour, starts) for day, hour, starts in figures.hours_of_week if starts is not None]
    if not any(starts for *_, starts in shown):
        return ()
    total = sum(starts for *_, starts in shown)
    working = sum(starts for day, hour, starts in shown if day in range(1, 6) and hour in range(6, 18))
    if len(shown) < len(figures.hours_of_week):
        return ("The average of each hour of the week, in UTC. Hours with few starts are left blank.",)
    return (Strong(words.percent(working / total)), " come from Monday to Friday between 6:00 and 18:00 (UTC).")


def _new(figures: Figures) -> Finding:
    return ("Values that were not seen before the last four weeks.",) if figures.new else ()


def _sentence(parts: list[Finding] | list[tuple[Strong, str]], *, begin: str = "", end: str = ".") -> Finding:
    """Join the parts of one sentence, or return nothing if there are none."""
    if not parts:
        return ()
    joined: list[str] = [begin] if begin else []
    for place, part in enumerate(parts):
        joined.extend(([" and "] if place else []) + list(part))
    return (*joined, end)
