"""What to look into: the charts for people who run tbot."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from otel_tbot.report import display
from otel_tbot.report.charts.style import (
    ALARM,
    GAP,
    INK,
    MODE_COLOURS,
    SOFT,
    WIDE,
    Panel,
    Spec,
    count_axis,
    draw,
    milliseconds,
    share_axis,
    time_axis,
)
from otel_tbot.report.figures import RUN_MODES
from otel_tbot.report.findings import can_compare_days, can_find_bursts
from otel_tbot.report.time_buckets import MOST_DAYS, drawn, one_in

if TYPE_CHECKING:
    from datetime import date

    from otel_tbot.report.figures import Burst, Figures

_AROUND = 3  # days before and after; with the day itself, a week
_USUAL = 0.97  # of the days fit on the scale; what is far above them is marked instead of flattening the others
_ABOVE_USUAL = 1.35
_FEWEST_STEPS = 3
_HOUR = timedelta(hours=1)
_SPANS = (1, 3, 6, 12, 24, 72, 168)  # hours per point, which shows the busiest of them


def per_day(figures: Figures, width: int) -> tuple[Panel, ...]:
    """Draw the starts of each day, their median over seven days, and the days that the store may lack events of."""
    by_mode = {
        mode: [(day, starts) for day, run_mode, starts in figures.per_day if run_mode == mode] for mode in RUN_MODES
    }
    if not can_compare_days(figures):
        return ()
    return tuple(
        Panel(title=mode, run_mode=mode, svg=_days(figures, days, mode, width))
        for mode, days in by_mode.items()
        if any(starts for _, starts in days)
    )


def _days(figures: Figures, days: list[tuple[date, int]], mode: str, width: int) -> str:
    one = timedelta(days=1)
    top = _scale([starts for _, starts in days])
    span = one_in(len(days), MOST_DAYS)
    steps = [
        {
            "day": milliseconds(days[place][0]),
            "starts": min(top, median(starts for _, starts in days[place : place + span])),
        }
        for place in range(0, len(days), span)
    ]
    steps.append({**steps[-1], "day": milliseconds(days[-1][0] + one)})
    middle = [
        {
            # The median belongs to the middle of its day.
            "day": milliseconds(days[place][0]) + 43_200_000,
            "starts": min(top, median(starts for _, starts in days[place - _AROUND : place + _AROUND + 1])),
        }
        for place in range(_AROUND, len(days) - _AROUND, span)
    ]
    gaps = [{"day": milliseconds(gap), "end": milliseconds(gap + one)} for gap in figures.gaps]
    beyond = [
        {
            "day": milliseconds(day),
            "end": milliseconds(day + one),
            "starts": top,
            "text": f"\N{UPWARDS ARROW} {starts:,}",
        }
        for day, starts in days
        if starts > top
    ]
    x = time_axis("day", width=width)
    y = count_axis("starts", scale={"domain": [0, top], "nice": False})
    colour = MODE_COLOURS[mode]
    layers: list[Spec] = [
        {
            "data": {"values": gaps},
            "mark": {"type": "rect", "color": GAP},
            "encoding": {"x": x, "x2": {"field": "end"}},
        },
        {
            "data": {"values": steps},
            "mark": {"type": "area", "color": colour, "opacity": 0.2, "interpolate": "step-after"},
            "encoding": {"x": x, "y": y},
        },
        {
            "data": {"values": steps},
            "mark": {"type": "line", "color": colour, "strokeWidth": 1.1, "interpolate": "step-after"},
            "encoding": {"x": x, "y": y},
        },
        {
            "data": {"values": middle},
            "mark": {"type": "line", "color": INK, "strokeWidth": 1.6},
            "encoding": {"x": x, "y": y},
        },
        *_marked(beyond, {"x": x, "y": y}, half=_middle(days[0][0], days[-1][0]), offset=(6, 6)),
    ]
    return draw({"height": 110, "layer": layers}, width=width)


def _middle(first: date, last: date) -> float:
    return (milliseconds(first) + milliseconds(last)) / 2


def _marked(marks: list[Spec], encoding: Spec, *, half: float, offset: tuple[int, int]) -> list[Spec]:
    """Label the marks of a time chart, on the side that has room.

    Args:
        marks: each with its `text`, its `day` and, if it is wide enough to cover its label, its `end`.
        encoding: the position of a mark.
        half: the middle of the time axis.
        offset: the pixels from a mark to its label, to the right and down.
    """
    right, below = offset
    text: Spec = {"type": "text", "dy": below, "fontWeight": 600, "color": ALARM}
    early = [{**mark, "day": mark.get("end", mark["day"])} for mark in marks if mark["day"] <= half]
    late = [mark for mark in marks if mark["day"] > half]
    named = {**encoding, "text": {"field": "text"}}
    return [
        {"data": {"values": early}, "mark": {**text, "align": "left", "dx": right}, "encoding": named},
        {"data": {"values": late}, "mark": {**text, "align": "right", "dx": -right}, "encoding": named},
    ]


def _scale(numbers: list[int]) -> float:
    """Return the top of a scale on which exceptional days do not flatten the others."""
    ordered = sorted(numbers)
    usual = ordered[max(0, int(len(ordered) * _USUAL) - 1)]
    return min(ordered[-1], _ABOVE_USUAL * usual) * 1.06 if usual else ordered[-1]


def bursts(figures: Figures, width: int) -> tuple[Panel, ...]:
    """Draw the daemon starts of each hour on a logarithmic scale, as the busiest hour of each interval, with bursts."""
    if not can_find_bursts(figures):
        return ()
    hours = figures.per_hour
    span = next((span for span in _SPANS if len(hours) / span <= width / 1.4), _SPANS[-1])
    steps = [
        {"hour": milliseconds(hours[place][0]), "starts": max(starts for _, starts in hours[place : place + span])}
        for place in range(0, len(hours), span)
    ]
    steps.append({**steps[-1], "hour": milliseconds(hours[-1][0] + _HOUR)})
    marks: list[Spec] = [
        {
            "day": milliseconds(burst.begin),
            "starts": max((starts for hour, starts in hours if burst.begin <= hour < burst.end), default=burst.starts),
            "text": _burst(burst, width),
        }
        for burst in figures.bursts
    ]
    y = count_axis("starts", scale={"type": "symlog", "constant": 10})
    del y["axis"]["tickCount"]  # with it, a logarithmic axis leaves out some of its values
    y["axis"].update(values=[0, 10, 100, 1000, 10_000, 100_000, 1_000_000], labelOverlap=False)
    layers: list[Spec] = [
        {
            "data": {"values": steps},
            "mark": {"type": "area", "color": MODE_COLOURS["daemon"], "opacity": 0.6, "interpolate": "step-after"},
            "encoding": {"x": time_axis("hour", width=width), "y": y},
        },
        {
            "data": {"values": marks},
            "mark": {"type": "point", "filled": True, "size": 72, "color": ALARM, "opacity": 1},
            "encoding": {"x": time_axis("day", width=width), "y": y},
        },
        # Labels of many bursts would hide each other; the table has them all.
        *_marked(
            sorted(marks, key=lambda mark: -mark["starts"])[:1],
            {"x": time_axis("day", width=width), "y": y},
            half=_middle(hours[0][0], hours[-1][0]),
            offset=(10, 1),
        ),
    ]
    return (Panel(title="", run_mode=None, svg=draw({"height": 135, "layer": layers}, width=width)),)


def _burst(burst: Burst, width: int) -> str:
    text = f"{burst.begin.day} {burst.begin:%b}: {burst.starts:,} starts"
    return f"{text}, {display.count(burst.expected) if burst.expected else 'none'} usual" if width >= WIDE else text


def old_releases(figures: Figures, width: int) -> tuple[Panel, ...]:
    """Draw the share of old releases as of each step, and the step in which a major release came out."""
    order = drawn(figures.steps)
    shown = [entry for entry in figures.old_releases if entry.begin in order]
    steps = sorted({entry.begin for entry in shown})
    if len(steps) < _FEWEST_STEPS:
        return ()
    # A line must not cross steps that are not shown.
    places = {step: place for place, step in enumerate(order)}
    seen: dict[str, int] = {}
    shares: list[Spec] = []
    for entry in shown:
        seen[entry.run_mode] = seen.get(entry.run_mode, 0) + 1
        line = places[entry.begin] - seen[entry.run_mode]
        shares.append({"step": milliseconds(entry.begin), "mode": entry.run_mode, "share": entry.share, "line": line})
    newest = {step: max(e.newest_major for e in shown if e.begin == step) for step in steps}
    arrivals = [
        {"step": milliseconds(step), "text": f"{newest[step]} is out"}
        for before, step in pairwise(steps)
        if newest[step] > newest[before]
    ]
    x = time_axis("step", width=width)
    modes = [mode for mode in RUN_MODES if any(row["mode"] == mode for row in shares)]
    y = share_axis("share", scale={"zero": True}, axis={"format": "~%", "tickCount": 4, "grid": True})
    layers: list[Spec] = [
        {
            "data": {"values": arrivals},
            "mark": {"type": "rule", "color": SOFT, "strokeDash": [3, 3]},
            "encoding": {"x": x},
        },
        {
            "data": {"values": arrivals},
            "mark": {"type": "text", "align": "right", "dx": -5, "color": SOFT},
            "encoding": {"x": x, "y": {"value": 8}, "text": {"field": "text"}},
        },
        {
            "data": {"values": shares},
            "mark": {"type": "line", "strokeWidth": 2, "point": {"size": 16}},
            "encoding": {
                "x": x,
                "y": y,
                "detail": {"field": "line", "type": "nominal"},
                "color": {
                    "field": "mode",
                    "type": "nominal",
                    "scale": {"domain": modes, "range": [MODE_COLOURS[mode] for mode in modes]},
                    "legend": {"orient": "bottom", "direction": "horizontal"},
                },
            },
        },
    ]
    return (Panel(title="", run_mode=None, svg=draw({"height": 205, "layer": layers}, width=width, bottom=52)),)
