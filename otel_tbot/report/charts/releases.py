"""The releases by step of time: a hue for each supported major, and orange for what is old."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_tbot.report import display
from otel_tbot.report.charts.style import (
    PAPER,
    REST,
    Panel,
    Spec,
    draw,
    milliseconds,
    share_axis,
    shortened,
    text_width,
    time_axis,
)
from otel_tbot.report.dimensions import version_key
from otel_tbot.report.figures import RUN_MODES
from otel_tbot.report.time_buckets import drawn

if TYPE_CHECKING:
    from datetime import date

    from otel_tbot.report.figures import Figures

FEWEST_STEPS = 3  # fewer do not show a trend
_HUES = 3  # supported majors beyond the third share its hue
_SHADES = 4
_LABEL_GAP = 7  # pixels between the areas and their names
_NARROWEST = 88  # pixels for the names, so that the panels of both run modes match
_LONGEST = 10  # characters of a name
_CURVED = 30  # steps; with more, curves are three times as large as lines and look the same
_LABELLED = 0.045  # of the height: a smaller share has no room for a label


def releases(figures: Figures, width: int) -> tuple[Panel, ...]:
    """Draw the share of each release by step, or nothing if there are too few steps."""
    if len(figures.steps) < FEWEST_STEPS:
        return ()
    # All starts of a run mode may lie outside the whole steps.
    return tuple(_panel(figures, mode, width) for mode in RUN_MODES if _steps(figures, mode))


def _steps(figures: Figures, mode: str) -> list[date]:
    """Return the steps that are drawn and have starts of the run mode."""
    with_shares = {share.begin for share in figures.releases if share.run_mode == mode}
    return [step for step in drawn(figures.steps) if step in with_shares]


def colours(names: list[str], newest: int | None, supported: int) -> dict[str, str]:
    """Return the colour of each release.

    Args:
        names: releases (`MAJOR.MINOR`) from old to new, and other values.
        newest: the newest major release, or None if none is known.
        supported: the number of newest majors that are not old.
    """
    majors: dict[int, list[str]] = {}
    for name in names:
        major = name.partition(".")[0]
        if major.isdecimal() and newest is not None:
            majors.setdefault(max(0, newest - int(major)), []).append(name)
    chosen = dict.fromkeys(names, REST)
    old = [name for age in sorted(majors, reverse=True) if age >= supported for name in majors[age]]
    for age, members in majors.items():
        hue = f"hue-{min(age, _HUES - 1)}"
        if age < supported:
            chosen.update({name: _shade(hue, place, len(members)) for place, name in enumerate(members)})
    # The oldest is the darkest orange: it deserves the most attention.
    chosen.update({name: _shade("old", len(old) - 1 - place, len(old)) for place, name in enumerate(old)})
    return chosen


def _shade(hue: str, place: int, members: int) -> str:
    """Spread the members over the shades, the last member being the darkest."""
    return f"var(--{hue}-{_SHADES - 1 - (members - 1 - place) * _SHADES // max(members, _SHADES)})"


def _panel(figures: Figures, mode: str, width: int) -> Panel:
    shares = {(share.begin, share.value): share.share for share in figures.releases if share.run_mode == mode}
    names = sorted({share.value for share in figures.releases}, key=version_key)
    colour = colours(names, figures.newest_major, figures.supported_majors)
    steps = _steps(figures, mode)
    areas = [
        {"step": milliseconds(step), "place": place, "share": shares.get((step, name), 0)}
        for place, name in enumerate(names)
        for step in steps
    ]
    labels = _labels([(name, shares.get((steps[-1], name), 0)) for name in names], steps[-1])
    curve = "monotone" if len(steps) <= _CURVED else "linear"
    x = time_axis("step", width=width)
    area: Spec = {
        "data": {"values": areas},
        "mark": {"type": "area", "interpolate": curve, "stroke": PAPER, "strokeWidth": 0.8},
        "encoding": {
            "x": x,
            "y": share_axis("share", stack="zero", scale={"domain": [0, 1]}),
            "order": {"field": "place", "type": "quantitative"},
            "color": {
                "field": "place",
                "type": "nominal",
                "legend": None,
                "scale": {"domain": list(range(len(names))), "range": [colour[name] for name in names]},
            },
        },
    }
    label: Spec = {
        "data": {"values": labels},
        "mark": {"type": "text", "align": "left", "dx": _LABEL_GAP},
        "encoding": {"x": x, "y": share_axis("middle"), "text": {"field": "text"}},
    }
    right = max(_NARROWEST, text_width([label["text"] for label in labels]) + _LABEL_GAP)
    svg = draw({"height": 250, "layer": [area, label]}, width=width, right=right)
    return Panel(title=mode, run_mode=mode, svg=svg)


def _labels(shares: list[tuple[str, float]], step: date) -> list[Spec]:
    """Name each release next to its last share."""
    labels: list[Spec] = []
    below = 0.0
    for name, share in shares:
        if share >= _LABELLED:
            shown = shortened(display.value(name, missing="not set", others="others"), _LONGEST)
            text = f"{shown} \N{MIDDLE DOT} {display.percent(share)}"
            labels.append({"step": milliseconds(step), "middle": below + share / 2, "text": text})
        below += share
    return labels
