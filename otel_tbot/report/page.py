"""The report as a page: one file without a script, that loads nothing from anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import jinja2

from otel_tbot.report import numbers, words
from otel_tbot.report.charts import hours, operator, product
from otel_tbot.report.charts import releases as release_charts
from otel_tbot.report.findings import Finding, Strong, findings, oldest_supported
from otel_tbot.report.figures import RUN_MODES
from otel_tbot.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_tbot.report.charts.style import Panel
    from otel_tbot.report.figures import Figures, New
    from otel_tbot.report.numbers import Numbers

# Pixels. The page shows the wide or the narrow drawing, so that no text shrinks with the window.
_FULL = 1040
_HALF = 492
_NARROW = 316
_DIMENSIONS = {
    "release": "release",
    "version": "version",
    "join_type": "join method",
    "run_mode": "run mode",
    "helper": "helper",
    "helper_version": "helper and its version",
    "destinations": "kinds of destinations",
    "os": "operating system",
    "arch": "architecture",
    "platform": "platform",
}


@dataclass(frozen=True, kw_only=True)
class Section:
    """A question and its answer.

    Attributes:
        name: of the chart.
        question: what a reader wants to know.
        finding: the answer in a sentence.
        legend: how the chart is read.
        description: what the chart shows, for those who cannot see it.
        wide: its panels for a screen.
        narrow: its panels for a phone.
        tables: the numbers.
    """

    name: str
    question: str
    finding: Finding
    legend: str
    description: str
    wide: tuple[Panel, ...]
    narrow: tuple[Panel, ...]
    tables: tuple[Numbers, ...]


def render(figures: Figures, *, files: int) -> str:
    """Return the report as HTML.

    Args:
        figures: what it says.
        files: the number of files that were read.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("otel_tbot.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(words=words, is_strong=lambda part: isinstance(part, Strong))
    return environment.get_template("page.html.j2").render(
        figures=figures,
        files=files,
        new=[_new(entry) for entry in figures.new],
        old=_old_now(figures),
        oldest=oldest_supported(figures),
        operator=_operator(figures),
        product=_product(figures),
        run_modes=RUN_MODES,
        bursts_are_judged=operator.bursts_are_judged(figures) and bool(figures.starts.get("daemon")),
        version=__version__,
    )


def _product(figures: Figures) -> list[Section]:
    ages = f"A hue for each supported major, darker is newer; orange is older than {oldest_supported(figures)}."
    by_step = release_charts.releases(figures, _HALF)
    release_table = (numbers.of_dimension(figures, "release", "release"),) if "release" in figures.tables else ()
    if by_step:
        releases = _section(
            figures,
            "releases",
            "Which releases are started?",
            release_charts.releases,
            legend=f"Share of starts by {figures.step}. {ages}",
            tables=(*release_table, numbers.of_releases(figures)),
        )
    else:
        releases = _bars(figures, "releases", "Which releases are started?", "release", most=12)
    return [
        section
        for section in (
            releases,
            _bars(figures, "join_methods", "Which join methods deserve work first?", "join_type", most=20),
            _section(
                figures,
                "movement",
                "Which join methods come and go?",
                product.movement,
                legend="Share of starts before (ring) and after (dot), and the difference in percentage points. "
                "Bursts are left out.",
                tables=(numbers.of_movement(figures),),
            ),
            _section(
                figures,
                "destinations",
                "What do they fetch credentials for?",
                product.destinations,
                legend="Share of starts with one, two, and more destinations of a kind; beside it, with any.",
                tables=(
                    numbers.of_destinations(figures),
                    *(
                        (numbers.of_dimension(figures, "destinations", "kinds of destinations"),)
                        if "destinations" in figures.tables
                        else ()
                    ),
                ),
            ),
            _bars(figures, "helpers", "Which helpers start tbot?", "helper", most=8, missing="no helper"),
            _bars(figures, "platforms", "Which platforms does it run on?", "platform", most=8),
        )
        if section is not None
    ]


def _operator(figures: Figures) -> list[Section]:
    return [
        section
        for section in (
            _section(
                figures,
                "per_day",
                "How many starts a day?",
                operator.per_day,
                width=_FULL,
                legend="The dark line is the median of seven days."
                + (" Grey days may lack events." if figures.gaps else ""),
                tables=(numbers.of_days(figures),),
            ),
            _section(
                figures,
                "bursts",
                "Did something restart again and again?",
                operator.bursts,
                width=_FULL,
                legend="The greatest hour of each few, on a logarithmic scale.",
                tables=(numbers.of_bursts(figures),),
            ),
            _section(
                figures,
                "old_releases",
                "Who lags behind?",
                operator.old_releases,
                legend=f"Share of starts with a release older than the {words.spelled(figures.supported_majors)} newest "
                f"majors, as of each {figures.step}.",
                tables=(numbers.of_old_releases(figures),),
            ),
            _section(
                figures,
                "hours",
                "When do one-shot starts come?",
                hours.hours,
                legend="One-shot starts an hour, on average.",
                tables=(numbers.of_hours(figures),),
            ),
        )
        if section is not None
    ]


def _bars(
    figures: Figures, name: str, question: str, dimension: str, *, most: int, missing: str = "(not set)"
) -> Section | None:
    if dimension not in figures.tables:
        return None
    table = figures.tables[dimension]
    legend = "Share of the starts of each run mode."
    if len(table.rows) > most:
        legend += f" The first {most} of {words.several(len(table.rows), 'value', 'values')}."
    return _section(
        figures,
        name,
        question,
        product.bars(dimension, most=most, missing=missing),
        legend=legend,
        tables=(numbers.of_dimension(figures, dimension, _DIMENSIONS[dimension]),),
    )


def _section(  # noqa: PLR0913 - each is a part of the section
    figures: Figures,
    name: str,
    question: str,
    chart: Callable[[Figures, int], tuple[Panel, ...]],
    *,
    legend: str,
    tables: tuple[Numbers, ...],
    width: int = _HALF,
) -> Section | None:
    """Return a section, or None if there is nothing to draw."""
    wide = chart(figures, width)
    if not wide:
        return None
    finding = findings(figures).get(name, ())
    return Section(
        name=name,
        question=question,
        finding=finding,
        legend=legend,
        description=f"{question} {''.join(finding)}",
        wide=wide,
        narrow=chart(figures, _NARROW),
        tables=tables,
    )


def _old_now(figures: Figures) -> dict[str, float]:
    """Return the share of old releases in the last step, by run mode."""
    last = max((entry.begin for entry in figures.old_releases), default=None)
    return {entry.run_mode: entry.share for entry in figures.old_releases if entry.begin == last}


def _new(entry: New) -> tuple[str, str, str]:
    """Return what is new, its value, and the rest of the line."""
    seen = [words.several(starts, f"{mode} start", f"{mode} starts") for mode, starts in entry.starts.items() if starts]
    return (
        _DIMENSIONS.get(entry.dimension, entry.dimension),
        words.value(entry.value),
        f"since {words.day(entry.since)}" + (f", {words.listed(seen)}" if seen else ""),
    )
