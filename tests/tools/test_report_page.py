"""The page: one file that loads nothing, says what it shows, and takes stored texts for texts."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

pytest.importorskip("vl_convert", reason="what report draws with is an extra")
pytest.importorskip("jinja2", reason="what report draws with is an extra")

from otel_tbot.report.page import render
from tests.support import sample_figures

_LARGEST = 600 * 1024  # bytes
_HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;{{7*7}}=cmd|\x00\x1b[31m\u202e"
_NAMESPACES = {"http://www.w3.org/2000/svg"}


class _Parsed(HTMLParser):
    """The elements of a page, and the text outside of tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def classes(self, tag: str) -> list[str]:
        return [attributes.get("class") or "" for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="session")
def page() -> str:
    """Return the page of a half year."""
    return render(sample_figures.half_year(), files=3)


@pytest.fixture(scope="session")
def small_page() -> str:
    """Return the page of three events of one hour."""
    return render(sample_figures.three_events(), files=1)


@pytest.mark.parametrize("weeks", [53, 260])
def test_the_page_is_small(weeks: int) -> None:
    """The longest period of which every week is drawn stays below the bound, and so do five years."""
    assert len(render(sample_figures.weeks(weeks), files=1).encode()) <= _LARGEST


def test_what_is_left_out_of_a_long_period_is_said() -> None:
    """Where not every week and day is drawn, the legend says so."""
    text = _Parsed(render(sample_figures.weeks(110), files=1)).text
    assert "Share of starts by week, one of 3 drawn." in text
    assert "A step is the median of 3 days." in text


def test_the_page_has_no_script_and_loads_nothing(page: str) -> None:
    """Nothing in it has an address, runs, or comes from elsewhere."""
    parsed = _Parsed(page)
    assert {tag for tag, _ in parsed.elements}.isdisjoint({"script", "link", "img", "iframe", "object", "a", "image"})
    attributes = {name for _, found in parsed.elements for name in found}
    assert attributes.isdisjoint({"src", "href", "srcset", "xlink:href", "style", "action"})
    assert not {name for name in attributes if name.startswith("on")}
    assert set(re.findall(r"[a-z]+://[^\s\"'<>]+", page)) == _NAMESPACES
    assert not re.search(r"@import|url\(", page)


def test_the_policy_forbids_every_load(page: str) -> None:
    """A browser would refuse what the page must not do."""
    policies = [found["content"] for tag, found in _Parsed(page).elements if found.get("http-equiv")]
    assert len(policies) == 1
    assert (policies[0] or "").startswith("default-src 'none'; style-src 'unsafe-inline'")


def test_every_question_has_a_figure_with_a_label_and_numbers(page: str) -> None:
    """Those who cannot see a picture read what it says."""
    parsed = _Parsed(page)
    figures = [found for tag, found in parsed.elements if tag == "figure"]
    assert len(figures) == 10
    assert all(len(found["aria-label"] or "") > 30 for found in figures)
    assert len([tag for tag, _ in parsed.elements if tag == "details"]) == 10
    assert len([tag for tag, _ in parsed.elements if tag == "table"]) >= 10


def test_every_colour_is_defined_for_light_and_dark(page: str) -> None:
    """A picture uses no name that the style lacks."""
    used = set(re.findall(r"var\((--[a-z0-9-]+)\)", page))
    light, _, dark = page.partition("prefers-color-scheme: dark")
    for scheme in (light, dark.partition("* { box-sizing")[0]):
        assert used - set(re.findall(r"(--[a-z0-9-]+):", scheme)) == set()


def test_what_is_new_is_listed(page: str) -> None:
    """A value that was first seen lately has its day and its starts."""
    text = _Parsed(page).text
    assert "19.1.0 version, since 9 November: 16,323 one-shot starts and 2,862 daemon starts" in text


def test_the_page_says_how_it_is_to_be_read(page: str) -> None:
    """Starts are not machines, and those who opted in are not all."""
    text = _Parsed(page).text
    assert "Starts are not machines." in text
    assert "Only those who opted in." in text
    assert "2,075 repeated deliveries of counted starts, 316 events that the schema does not allow" in text
    assert "from 3 files" in text


def test_the_tile_of_old_releases_is_of_the_last_week(page: str) -> None:
    """If the last week's share is suppressed, an earlier one does not replace it."""
    figures = sample_figures.half_year()
    earlier = replace(figures, old_releases=figures.old_releases[:-2])
    assert "in the last whole week" in _Parsed(page).text
    assert "in the last whole week" not in _Parsed(render(earlier, files=1)).text


def test_three_events_make_a_short_page(small_page: str) -> None:
    """What one hour can answer is answered; nothing is drawn by day or week."""
    parsed = _Parsed(small_page)
    assert [name for name in parsed.classes("section") if name.startswith("card")] == [
        "card releases", "card join_methods", "card destinations", "card helpers", "card platforms",
    ]  # fmt: skip
    assert "usual day" not in parsed.text.partition("How to read this")[0]
    assert "Bursts" not in parsed.text
    assert "from 1 file." in parsed.text


def test_a_run_mode_with_too_few_starts_is_not_told() -> None:
    """Its number is not shown, in no table either; what is known of the other run mode is drawn."""
    parsed = _Parsed(render(sample_figures.few_daemons(), files=1))
    assert "Daemon startsnot shown" in parsed.text
    assert "One-shot starts" in parsed.text
    assert [name for name in parsed.classes("section") if name.startswith("card ")] == [
        "card releases", "card join_methods", "card movement", "card destinations", "card helpers", "card platforms",
        "card per_day", "card old_releases", "card hours",
    ]  # fmt: skip
    days = re.findall(r"2026-06-0\d([\d,]+)(not shown|[\d,]+)", parsed.text)
    assert {daemon for _, daemon in days} == {"not shown"}


def test_a_page_of_suppressed_figures_says_why_it_is_empty() -> None:
    """It names no value, has no chart, and says how to see more."""
    parsed = _Parsed(render(sample_figures.suppressed(), files=1))
    assert not [tag for tag, _ in parsed.elements if tag in {"figure", "svg"}]
    assert "github" not in parsed.text
    assert "--at-least 1" in parsed.text


@pytest.fixture(scope="session")
def hostile_page() -> str:
    """Return the page of figures with markup and control characters in every text."""
    return render(sample_figures.hostile(_HOSTILE), files=1)


def test_stored_texts_are_texts(hostile_page: str, page: str) -> None:
    """Markup in a value adds no element and no attribute."""
    hostile, usual = _Parsed(hostile_page), _Parsed(page)
    assert {tag for tag, _ in hostile.elements} == {tag for tag, _ in usual.elements}
    assert {name for _, found in hostile.elements for name in found} == {
        name for _, found in usual.elements for name in found
    }
    assert "<script>alert(1)</script>" in hostile.text
    assert "{{7*7}}" in hostile.text


def test_control_characters_do_not_reach_the_page(hostile_page: str) -> None:
    """Neither escape sequences nor marks that turn a text round."""
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", hostile_page)
