"""What is used: the charts for people who decide what to work on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_tbot.report import display
from otel_tbot.report.charts.style import MODE_COLOURS, PAPER, SOFT, Panel, Spec, draw, named_rows, share_axis
from otel_tbot.report.figures import RUN_MODES

if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_tbot.report.figures import Change, Figures

KINDS = ("other", "database", "kubernetes", "application")

_ROW = 22  # pixels
_MOST_CHANGES = 9


def bars(dimension: str, *, most: int, missing: str) -> Callable[[Figures, int], tuple[Panel, ...]]:
    """Return the chart of a dimension: a bar for each value, its share of the run mode's starts.

    Args:
        dimension: a name of `Figures.tables`.
        most: how many values are drawn; the table below the chart has all.
        missing: the label of starts without a value.
    """

    def chart(figures: Figures, width: int) -> tuple[Panel, ...]:
        table = figures.tables.get(dimension)
        rows = table.rows[:most] if table else ()
        modes = [mode for mode in RUN_MODES if any(row.shares.get(mode) for row in rows)]
        longest = max((row.shares.get(mode) or 0 for row in rows for mode in modes), default=0)
        order = [display.value(row.value, missing=missing) for row in rows]
        return tuple(
            Panel(
                title=mode,
                run_mode=mode,
                svg=_bars(
                    [(name, row.shares.get(mode)) for name, row in zip(order, rows, strict=True)], longest, mode, width
                ),
            )
            for mode in modes
        )

    return chart


def _bars(rows: list[tuple[str, float | None]], longest: float, mode: str, width: int) -> str:
    y, names, left = named_rows([name for name, _ in rows], width=width)
    values = [{"row": row, "share": share or 0, "text": display.percent(share)} for row, (_, share) in enumerate(rows)]
    x = share_axis("share", axis=None, stack=None, scale={"domain": [0, longest], "nice": False})
    return draw(
        {
            "height": {"step": _ROW},
            "layer": [
                {
                    "data": {"values": values},
                    "mark": {"type": "bar", "color": MODE_COLOURS[mode], "height": 13, "cornerRadiusEnd": 2},
                    "encoding": {"x": x, "y": y},
                },
                {
                    "data": {"values": values},
                    "mark": {"type": "text", "align": "left", "dx": 5},
                    "encoding": {"x": x, "y": y, "text": {"field": "text"}},
                },
                names,
            ],
        },
        width=width,
        left=left,
        right=48,
        bottom=2,
    )


def movement(figures: Figures, width: int) -> tuple[Panel, ...]:
    """Draw how the share of each join method moved: a ring for before, a dot for after."""
    changes = {
        mode: sorted(
            sorted(
                (change for change in figures.join_methods if change.run_mode == mode),
                key=lambda change: -abs(change.after - change.before),
            )[:_MOST_CHANGES],
            key=lambda change: change.before - change.after,
        )
        for mode in RUN_MODES
    }
    return tuple(
        Panel(title=mode, run_mode=mode, svg=_dumbbells(moved, mode, width)) for mode, moved in changes.items() if moved
    )


def _dumbbells(changes: list[Change], mode: str, width: int) -> str:
    colour = MODE_COLOURS[mode]
    y, names, left = named_rows([display.value(change.value) for change in changes], width=width)
    values = [
        {
            "row": row,
            "before": change.before,
            "after": change.after,
            "end": max(change.before, change.after),
            "text": display.points(change.after - change.before),
        }
        for row, change in enumerate(changes)
    ]
    point: Spec = {"type": "point", "filled": True, "opacity": 1}
    moved: list[Spec] = [
        {
            "mark": {"type": "rule", "strokeWidth": 3, "color": colour, "opacity": 0.35},
            "encoding": {
                "x": share_axis("before", axis={"format": "~%", "tickCount": 5, "grid": True}),
                "x2": {"field": "after"},
            },
        },
        {
            "mark": {**point, "size": 52, "color": PAPER, "stroke": colour, "strokeWidth": 1.6},
            "encoding": {"x": share_axis("before")},
        },
        {"mark": {**point, "size": 64, "color": colour}, "encoding": {"x": share_axis("after")}},
        {
            "mark": {"type": "text", "align": "left", "dx": 9},
            "encoding": {"x": share_axis("end"), "text": {"field": "text"}},
        },
    ]
    layers = [{"data": {"values": values}, "encoding": {"y": y}, "layer": moved}, names]
    return draw({"height": {"step": _ROW}, "layer": layers}, width=width, left=left, right=44)


def destinations(figures: Figures, width: int) -> tuple[Panel, ...]:
    """Draw how many destinations of each kind the starts have."""
    return tuple(
        Panel(title=mode, run_mode=mode, svg=_stacks(shares, width))
        for mode in RUN_MODES
        if (
            shares := {
                kind: entry.shares
                for kind in KINDS
                for entry in figures.destinations
                if entry.kind == kind and entry.run_mode == mode and entry.shares is not None
            }
        )
    )


def _stacks(shares: dict[str, tuple[float, float, float, float]], width: int) -> str:
    y, names, left = named_rows(list(shares), width=width)
    parts = [
        {"row": row, "number": number, "order": place, "share": by_number[place]}
        for row, by_number in enumerate(shares.values())
        for place, number in enumerate(display.NUMBERS_OF_DESTINATIONS)
        # `none` is the background of the stack.
        if place
    ]
    totals = [
        {"row": row, "full": 1, "text": display.percent(1 - by_number[0])}
        for row, by_number in enumerate(shares.values())
    ]
    labels = display.NUMBERS_OF_DESTINATIONS[1:]
    axis = {"format": "~%", "tickCount": 4}
    background: Spec = {
        "data": {"values": totals},
        "mark": {"type": "bar", "height": 15, "color": "var(--none)"},
        "encoding": {"y": y, "x": share_axis("full", axis=axis, scale={"domain": [0, 1]})},
    }
    stacked: Spec = {
        "data": {"values": parts},
        "mark": {"type": "bar", "height": 15},
        "encoding": {
            "y": y,
            "x": share_axis("share", axis=axis, stack="zero"),
            "order": {"field": "order", "type": "quantitative"},
            "color": {
                "field": "number",
                "type": "nominal",
                "scale": {"domain": list(labels), "range": [f"var(--step-{step})" for step in (1, 3, 5)]},
                "legend": {"orient": "bottom", "direction": "horizontal", "columns": len(labels)},
            },
        },
    }
    with_any: Spec = {
        "data": {"values": totals},
        "mark": {"type": "text", "align": "left", "dx": 6, "color": SOFT},
        "encoding": {"y": y, "x": share_axis("full"), "text": {"field": "text"}},
    }
    layers = [background, stacked, with_any, names]
    return draw({"height": {"step": 26}, "layer": layers}, width=width, left=left, right=44, bottom=50)
