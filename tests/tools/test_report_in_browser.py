"""The page in a real browser: it loads nothing, fits the window, and follows the user's colours."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Literal

import pytest

pytest.importorskip("vl_convert", reason="drawing a report needs its extra")
pytest.importorskip("jinja2", reason="drawing a report needs its extra")

from otel_tbot.report.page import render
from tests.support import sample_figures
from tests.support.browser import measure

if TYPE_CHECKING:
    from pathlib import Path

_READABLE = 9  # pixels; smaller text in a picture cannot be read
_HOSTILE = "<script>alert(1)</script><img src='https://example.com/x.png' onerror=alert(1)>" + "W" * 90
PAGES = {
    "half a year": sample_figures.half_year(),
    "three events": sample_figures.three_events(),
    "suppressed": sample_figures.suppressed(),
    "few daemons": sample_figures.few_daemons(),
    "hostile": sample_figures.hostile(_HOSTILE),
}


@cache
def page_of(name: str) -> str:
    """Draw a page once."""
    return render(PAGES[name], files=1)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(("width", "scheme"), [(1180, "light"), (800, "dark"), (390, "dark")])
def test_the_page_loads_nothing_and_fits(
    browser: str, tmp_path: Path, name: str, width: int, scheme: Literal["light", "dark"]
) -> None:
    """Nothing is requested or blocked, nothing extends beyond the window, and the text of pictures is legible."""
    measured = measure(browser, page_of(name), tmp_path, width=width, scheme=scheme)
    assert measured.requested == []
    assert measured.blocked == []
    assert measured.width == width
    assert measured.page_width == width
    assert measured.beyond == []
    assert measured.smallest_text >= _READABLE
    if name != "hostile":
        assert measured.cut == []


def test_the_page_follows_the_users_colours(browser: str, tmp_path: Path) -> None:
    """The light scheme is dark on white, and the dark one the reverse."""
    colours = {}
    for scheme in ("light", "dark"):
        folder = tmp_path / scheme
        folder.mkdir()
        measured = measure(browser, page_of("three events"), folder, width=390, scheme=scheme)
        colours[scheme] = (measured.background, measured.ink)
    assert colours == {
        "light": ("rgb(255, 255, 255)", "rgb(27, 37, 48)"),
        "dark": ("rgb(23, 29, 37)", "rgb(230, 235, 240)"),
    }


@pytest.mark.parametrize("width", [1180, 390])
def test_one_drawing_of_each_panel_is_visible(browser: str, tmp_path: Path, width: int) -> None:
    """A screen and a phone show the same number of pictures, each its own version."""
    measured = measure(browser, page_of("half a year"), tmp_path, width=width, scheme="light")
    assert measured.pictures == page_of("half a year").count("<svg ") / 2


def test_a_page_that_loads_something_is_detected(browser: str, tmp_path: Path) -> None:
    """The measurement detects what the tests above exclude."""
    page = page_of("three events").replace(
        "<main>", '<main><img src="https://example.invalid/x.png"><p><b style="position:absolute;width:2000px">.</b>'
    )
    measured = measure(browser, page, tmp_path, width=390, scheme="light")
    assert measured.blocked == ["https://example.invalid/x.png img-src"]
    assert len(measured.beyond) == 1
    assert measured.page_width > 390
