"""The charts: what is drawn, and that nothing is where there is nothing to draw."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

pytest.importorskip("vl_convert", reason="what report draws with is an extra")

from otel_tbot.report.charts import hours, operator, product, releases
from tests.support import sample_figures

if TYPE_CHECKING:
    from otel_tbot.report.figures import OldReleases

WIDTHS = (316, 492, 1040)
CHARTS = {
    "releases": releases.releases,
    "join methods": product.bars("join_type", most=20, missing="(not set)"),
    "movement": product.movement,
    "destinations": product.destinations,
    "per day": operator.per_day,
    "bursts": operator.bursts,
    "old releases": operator.old_releases,
    "hours": hours.hours,
}
FIGURES = sample_figures.half_year()


def _texts(svg: str) -> list[str]:
    """Return the texts of a picture; it is read as XML only after it was drawn here."""
    return [element.text or "" for element in ET.fromstring(svg).iter() if element.tag.endswith("}text")]  # noqa: S314 - as above


@pytest.mark.parametrize("chart", CHARTS)
def test_a_picture_is_as_wide_as_asked(chart: str) -> None:
    """Nothing depends on the fonts of the machine that draws."""
    for width in WIDTHS:
        panels = CHARTS[chart](FIGURES, width)
        assert panels
        assert {re.search(r'width="(\d+)"', panel.svg)[1] for panel in panels} == {str(width)}  # type: ignore[index]  # each has one


@pytest.mark.parametrize("chart", CHARTS)
def test_every_colour_has_a_name(chart: str) -> None:
    """The page decides the colours, for light and dark."""
    for panel in CHARTS[chart](FIGURES, 492):
        colours = set(re.findall(r'(?:fill|stroke)="([^"]*)"', panel.svg))
        assert {colour for colour in colours if not colour.startswith("var(--")} <= {"none", "transparent"}


@pytest.mark.parametrize("chart", CHARTS)
def test_a_picture_has_no_id_and_no_reference(chart: str) -> None:
    """Pictures of one page cannot disturb each other, and load nothing."""
    for panel in CHARTS[chart](FIGURES, 492):
        assert not re.search(r'\sid="|url\(|href|<script|<image|<style', panel.svg)


@pytest.mark.parametrize("chart", ["releases", "movement", "per day", "bursts", "old releases", "hours"])
def test_three_events_make_no_chart_of_time(chart: str) -> None:
    """One hour has no course."""
    assert CHARTS[chart](sample_figures.three_events(), 492) == ()


@pytest.mark.parametrize("chart", CHARTS)
def test_suppressed_figures_make_no_chart(chart: str) -> None:
    """There is no empty picture."""
    assert CHARTS[chart](sample_figures.suppressed(), 492) == ()


def test_each_run_mode_has_its_own_panel() -> None:
    """One-shot and daemon starts are never added."""
    assert [panel.title for panel in CHARTS["join methods"](FIGURES, 492)] == ["one-shot", "daemon"]


def test_a_run_mode_without_starts_has_no_panel() -> None:
    """Where no daemon was started, nothing is drawn for daemons."""
    rows = tuple(replace(row, shares={**row.shares, "daemon": None}) for row in FIGURES.tables["join_type"].rows)
    table = replace(FIGURES.tables["join_type"], rows=rows)
    panels = CHARTS["join methods"](replace(FIGURES, tables={"join_type": table}), 492)
    assert [panel.title for panel in panels] == ["one-shot"]


def test_a_suppressed_share_is_named() -> None:
    """A number that is not shown is no zero."""
    first, *others = FIGURES.tables["join_type"].rows
    hidden = replace(first, shares={"one-shot": None, "daemon": 0.5})
    table = replace(FIGURES.tables["join_type"], rows=(hidden, *others))
    one_shot, _ = CHARTS["join methods"](replace(FIGURES, tables={"join_type": table}), 492)
    assert "not shown" in _texts(one_shot.svg)


def test_values_that_are_shown_alike_keep_their_rows() -> None:
    """Two texts that differ in control characters only are two bars."""
    first, second, *_ = FIGURES.tables["join_type"].rows
    alike = (replace(first, value="a\x00"), replace(second, value="a\x01"))
    table = replace(FIGURES.tables["join_type"], rows=alike)
    one_shot, _ = CHARTS["join methods"](replace(FIGURES, tables={"join_type": table}), 492)
    assert [text for text in _texts(one_shot.svg) if text.startswith("a")] == ["a\N{REPLACEMENT CHARACTER}"] * 2


def test_old_releases_are_orange() -> None:
    """The supported majors have a hue each, and what is older is orange."""
    colours = releases.colours(["(others)", "16.5", "17.7", "18.4", "19.0", "19.1"], 19, 2)
    assert colours == {
        "(others)": "var(--rest)",
        "16.5": "var(--old-3)",
        "17.7": "var(--old-2)",
        "18.4": "var(--hue-1-3)",
        "19.0": "var(--hue-0-2)",
        "19.1": "var(--hue-0-3)",
    }


def test_more_releases_than_shades_share_them() -> None:
    """The newest is the darkest, and no shade is missing."""
    colours = releases.colours([f"19.{minor}" for minor in range(9)], 19, 2)
    assert list(colours.values()) == sorted(colours.values())
    assert set(colours.values()) == {f"var(--hue-0-{shade})" for shade in range(4)}


def test_versions_sort_as_versions() -> None:
    """18.10 is above 18.9."""
    shares = tuple(
        replace(share, value={"18.4": "18.10", "18.3": "18.9"}.get(share.value, share.value))
        for share in FIGURES.releases
    )
    one_shot, _ = releases.releases(replace(FIGURES, releases=shares), 492)
    texts = [text.partition(" ")[0] for text in _texts(one_shot.svg)]
    assert texts.index("18.9") < texts.index("18.10")


def test_an_exceptional_day_is_marked_instead_of_flattening_the_others() -> None:
    """The day of the burst is off the scale, with its number."""
    _, daemon = operator.per_day(FIGURES, 1040)
    assert any(text.startswith("\N{UPWARDS ARROW} 1") for text in _texts(daemon.svg))


def test_the_burst_is_labelled() -> None:
    """With its day and what is usual."""
    (panel,) = operator.bursts(FIGURES, 1040)
    assert "29 Sep: 12,177 starts, 282 usual" in _texts(panel.svg)


def test_a_new_major_is_marked() -> None:
    """A rise of old releases has its reason beside it."""
    (panel,) = operator.old_releases(FIGURES, 492)
    assert "19 is out" in _texts(panel.svg)


def test_a_line_does_not_lead_over_weeks_that_are_not_shown() -> None:
    """Where the share of a week is suppressed, the line is broken."""

    def lines(old: tuple[OldReleases, ...]) -> int:
        (panel,) = operator.old_releases(replace(FIGURES, old_releases=old), 492)
        return len(re.findall(r'<path d="[^"]*L[^"]*" stroke="var\(--', panel.svg))

    old = tuple(entry for entry in FIGURES.old_releases if entry.run_mode == "daemon")
    assert (lines(old), lines(old[:8] + old[10:])) == (1, 2)


def test_a_name_beside_the_releases_keeps_its_room() -> None:
    """A long name is cut at its begin, and the areas give way."""
    shares = tuple(
        replace(share, value="pre-release or own build") if share.value == "19.0" else share
        for share in FIGURES.releases
    )
    one_shot, _ = releases.releases(replace(FIGURES, releases=shares), 492)
    assert any(text.startswith("\N{HORIZONTAL ELLIPSIS}own build \N{MIDDLE DOT}") for text in _texts(one_shot.svg))


@pytest.mark.parametrize("largest", [0.004, 0.5, 7, 472, 99_999])
def test_the_bands_of_the_hours_reach_the_largest(largest: float) -> None:
    """Six bands cover all numbers, in round steps."""
    cells = tuple((day, hour, largest if hour == 9 else 0.0) for day in range(1, 8) for hour in range(24))
    (panel,) = hours.hours(replace(FIGURES, hours_of_week=cells), 492)
    bands = [text for text in _texts(panel.svg) if "\N{EN DASH}" in text]
    assert len(bands) == 6
    assert float(bands[-1].partition("\N{EN DASH}")[2].replace(",", "")) >= largest
