"""What all charts share: colours, axes and drawing.

Colours are names that the page's style defines, once for light and once for dark.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, TypeAlias

import vl_convert

if TYPE_CHECKING:
    from datetime import date

Spec: TypeAlias = dict[str, Any]

MODE_COLOURS = {"one-shot": "var(--one-shot)", "daemon": "var(--daemon)"}
INK = "var(--ink)"
SOFT = "var(--soft)"
PAPER = "var(--paper)"
ALARM = "var(--alarm)"
GAP = "var(--gap)"
REST = "var(--rest)"

WIDE = 640  # pixels; a panel from here on has room for more labels
_FONT_SIZE = 11.5
_CHARACTER = 7  # pixels that a character of this size takes in the wider of the usual fonts
_WIDER = 4  # pixels that one of these takes more
_WIDE_CHARACTERS = frozenset("MW@%mw\N{HORIZONTAL ELLIPSIS}")
_NAMES = 0.44  # of the width, at most, is for names
_VEGA_LITE = "6.1"
_CONFIG: Spec = {
    "aria": False,  # the figure has one label, and its numbers are in a table
    "background": None,
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {
        "domain": False,
        "gridColor": "var(--grid)",
        "labelColor": SOFT,
        "labelFontSize": _FONT_SIZE,
        "labelPadding": 6,
        "ticks": False,
        "title": None,
    },
    "axisX": {"grid": False, "labelOverlap": "parity", "labelSeparation": 16},
    "legend": {
        "labelColor": INK,
        "labelFontSize": _FONT_SIZE,
        "symbolSize": 90,
        "symbolStrokeWidth": 0,
        "symbolType": "square",
        "title": None,
    },
    "text": {"color": INK, "fontSize": _FONT_SIZE},
}
_TAG = re.compile(r"<[^<>]+>")  # in texts, these characters are escaped
# Attributes that the page sets itself or that have no effect: a third of the picture's size.
_SPARE = re.compile(r' (?:aria-[a-z]+|class|font-family|opacity|pointer-events|role|xmlns:xlink)="(?!0)[^"]*"')
_LONG_NUMBER = re.compile(r"\d+\.\d{2,}")


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One picture of a chart.

    Attributes:
        title: what it shows; empty if it is the only one.
        run_mode: the run mode that gives the title its colour, or None.
        svg: the picture.
    """

    title: str
    run_mode: str | None
    svg: str


def draw(spec: Spec, *, width: int, left: int = 40, right: int = 20, bottom: int = 24) -> str:
    """Draw a single or layered view.

    The margins are fixed: the machine that draws the chart has other fonts than the one that shows it.

    Args:
        spec: the Vega-Lite specification, without its width.
        width: the width of the whole picture, in pixels.
        left: pixels kept free on the left of the plot, for an axis or names.
        right: pixels kept free on the right of it.
        bottom: pixels kept free below it, for an axis and a legend.

    Returns:
        An `<svg>` element.
    """
    svg = vl_convert.vegalite_to_svg(
        {
            "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
            "autosize": {"type": "none", "contains": "content"},
            "config": _CONFIG,
            "padding": {"left": left, "top": 8, "bottom": bottom, "right": right},
            "width": width - left - right,
            **spec,
        },
        vl_version=_VEGA_LITE,
    )
    return _TAG.sub(lambda tag: _shortened(tag[0]), svg)


def _shortened(tag: str) -> str:
    return _LONG_NUMBER.sub(lambda number: f"{float(number[0]):.1f}".removesuffix(".0"), _SPARE.sub("", tag))


def milliseconds(moment: date) -> int:
    """Return the Unix time of the start of a day or of a time without a zone, both in UTC."""
    whole = datetime(moment.year, moment.month, moment.day, tzinfo=timezone.utc)
    if isinstance(moment, datetime):
        whole = moment.replace(tzinfo=timezone.utc)
    return round(whole.timestamp() * 1000)


def time_axis(field: str, *, width: int) -> Spec:
    """Return an encoding by time, in UTC."""
    return {
        "field": field,
        "type": "temporal",
        "scale": {"type": "utc"},
        "axis": {"format": "%-d %b", "tickCount": 8 if width >= WIDE else 4, "labelFlush": False},
    }


def count_axis(field: str, **options: object) -> Spec:
    """Return an encoding by a number of starts."""
    shortened = "datum.value >= 1000 ? format(datum.value, '~s') : datum.value"
    return {"field": field, "type": "quantitative", "axis": {"tickCount": 3, "labelExpr": shortened}, **options}


def share_axis(field: str, **options: object) -> Spec:
    """Return an encoding by a share of 0 to 1."""
    return {"field": field, "type": "quantitative", "axis": {"format": "~%", "tickCount": 5}, **options}


def named_rows(names: list[str], *, width: int) -> tuple[Spec, Spec, int]:
    """Return what draws one row for each name; the field `row` of the data is the number of the row.

    The names are a separate layer: an axis would merge names that look alike, and would reserve the width that they
    have in a font of the machine that draws the chart.

    Returns:
        The vertical encoding, the layer with the names, and the pixels to keep free for them.
    """
    longest = int(width * _NAMES / _CHARACTER)
    texts = [shortened(name, longest) for name in names]
    y: Spec = {"field": "row", "type": "ordinal", "axis": None, "scale": {"domain": list(range(len(names)))}}
    layer: Spec = {
        "data": {"values": [{"row": row, "name": text} for row, text in enumerate(texts)]},
        "mark": {"type": "text", "align": "right", "dx": -8},
        "encoding": {"x": {"value": 0}, "y": y, "text": {"field": "name"}},
    }
    return y, layer, text_width(texts) + 8


def shortened(text: str, longest: int) -> str:
    """Return a text, or only its end, which distinguishes it from similar ones, if it is longer than allowed."""
    return text if len(text) <= longest else "\N{HORIZONTAL ELLIPSIS}" + text[1 - longest :]


def text_width(texts: list[str]) -> int:
    """Return the pixels that the longest text takes."""
    widths = (len(text) * _CHARACTER + sum(one in _WIDE_CHARACTERS for one in text) * _WIDER for text in texts)
    return max(widths, default=0)
