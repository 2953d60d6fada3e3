"""The hours of the week in which one-shot starts happen."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from otel_tbot.report import display
from otel_tbot.report.charts.style import Panel, draw

if TYPE_CHECKING:
    from otel_tbot.report.figures import Figures

_SHADES = 6
_ROUND = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)  # the steps of a scale that read well, times a power of ten
_SHORTEST = timedelta(weeks=1)


def hours(figures: Figures, width: int) -> tuple[Panel, ...]:
    """Draw the average number of one-shot starts in each hour of the week."""
    cells = [(day, hour, starts) for day, hour, starts in figures.hours_of_week if starts is not None]
    if figures.last - figures.first < _SHORTEST or not any(starts for *_, starts in cells):
        return ()
    step = _step(max(starts for *_, starts in cells))
    names = [_band(shade, step) for shade in range(_SHADES)]
    values = [
        {"day": display.DAYS[day - 1], "hour": hour, "band": names[min(_SHADES - 1, int(starts / step))]}
        for day, hour, starts in cells
    ]
    svg = draw(
        {
            "height": {"step": 28},
            "data": {"values": values},
            "mark": {"type": "rect", "stroke": "var(--paper)", "strokeWidth": 1.5},
            "encoding": {
                "x": {
                    "field": "hour",
                    "type": "ordinal",
                    "scale": {"domain": list(range(24))},
                    "axis": {"labelAngle": 0, "values": [0, 3, 6, 9, 12, 15, 18, 21]},
                },
                "y": {
                    "field": "day",
                    "type": "ordinal",
                    "scale": {"domain": list(display.DAYS)},
                    "axis": {"grid": False},
                },
                "color": {
                    "field": "band",
                    "type": "ordinal",
                    "scale": {"domain": names, "range": [f"var(--heat-{shade})" for shade in range(_SHADES)]},
                    "legend": {"orient": "bottom", "direction": "horizontal", "columns": _SHADES // 2},
                },
            },
        },
        width=width,
        right=2,
        bottom=68,
    )
    return (Panel(title="", run_mode=None, svg=svg),)


def _step(largest: float) -> float:
    """Return the width of a band, a round number with which the bands reach the largest value."""
    power = 0.01
    while True:
        for digit in _ROUND:
            if digit * power * _SHADES >= largest:
                return digit * power
        power *= 10


def _band(shade: int, step: float) -> str:
    return f"{shade * step:,.4g}\N{EN DASH}{(shade + 1) * step:,.4g}"
