"""The sections of the page: each a question, with the chart that answers it, its finding and its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from otel_tbot.report import chart_numbers, display
from otel_tbot.report.charts import hours, operator, product, releases
from otel_tbot.report.figures import NOT_SET
from otel_tbot.report.findings import findings, oldest_supported, plain
from otel_tbot.report.formats import phrases
from otel_tbot.report.question_texts import OPERATOR, PRODUCT
from otel_tbot.report.time_buckets import MOST_DAYS, MOST_STEPS, one_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_tbot.report.chart_numbers import Numbers
    from otel_tbot.report.charts.style import Panel
    from otel_tbot.report.figures import Figures
    from otel_tbot.report.findings import Finding

# Pixels. The page shows the wide or the narrow drawing, so that no text shrinks with the window.
_FULL = 1040
_HALF = 492
_NARROW = 316


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a reader wants to know.

    Attributes:
        name: the name of the chart and of its finding.
        text: the question.
        chart: draws the panels of the answer at a width.
        legend: how the chart is read.
        tables: the numbers.
        width: the width of one panel on a screen, in pixels.
    """

    name: str
    text: str
    chart: Callable[[Figures, int], tuple[Panel, ...]]
    legend: str
    tables: tuple[Numbers, ...]
    width: int = _HALF


@dataclass(frozen=True, kw_only=True)
class Section:
    """A question and its answer.

    Attributes:
        question: what a reader wants to know.
        finding: the answer in a sentence.
        description: what the chart shows, for readers who cannot see it.
        wide: its panels for a screen.
        narrow: its panels for a phone.
    """

    question: Question
    finding: Finding
    description: str
    wide: tuple[Panel, ...]
    narrow: tuple[Panel, ...]


def products(figures: Figures) -> list[Section]:
    """Return the sections that say what is used."""
    return _sections(
        figures,
        [
            _releases(figures),
            _bars(figures, "join_methods", PRODUCT["join_methods"], "join_type", most=20),
            Question(
                name="movement",
                text=PRODUCT["movement"],
                chart=product.movement,
                legend="Share of starts before (ring) and after (dot), and the difference in percentage points. "
                "Bursts are left out.",
                tables=(chart_numbers.of_movement(figures),),
            ),
            Question(
                name="destinations",
                text=PRODUCT["destinations"],
                chart=product.destinations,
                legend="Share of starts with one, two, and more destinations of a kind; on the right, with any.",
                tables=(chart_numbers.of_destinations(figures), *_table(figures, "destinations")),
            ),
            _bars(figures, "helpers", PRODUCT["helpers"], "helper", most=8, missing="no helper"),
            _bars(figures, "platforms", PRODUCT["platforms"], "platform", most=8),
        ],
    )


def operators(figures: Figures) -> list[Section]:
    """Return the sections that say what to look into."""
    majors = display.spell_out(figures.supported_majors)
    days = one_in(len({day for day, *_ in figures.per_day}), MOST_DAYS)
    return _sections(
        figures,
        [
            Question(
                name="per_day",
                text=OPERATOR["per_day"],
                chart=operator.per_day,
                legend="The dark line is the median of seven days."
                + (f" A step is the median of {days} days." if days > 1 else "")
                + (" Grey days may lack events." if figures.gaps else ""),
                tables=(chart_numbers.of_days(figures),),
                width=_FULL,
            ),
            Question(
                name="bursts",
                text=OPERATOR["bursts"],
                chart=operator.bursts,
                legend="Daemon starts in the busiest hour of each interval, on a logarithmic scale.",
                tables=(chart_numbers.of_bursts(figures),),
                width=_FULL,
            ),
            Question(
                name="old_releases",
                text=OPERATOR["old_releases"],
                chart=operator.old_releases,
                legend=f"Share of starts with a release older than the {majors} newest majors, {_by_step(figures)}.",
                tables=(chart_numbers.of_old_releases(figures),),
            ),
            Question(
                name="hours",
                text=OPERATOR["hours"],
                chart=hours.hours,
                legend="One-shot starts per hour, on average.",
                tables=(chart_numbers.of_hours(figures),),
            ),
        ],
    )


def _sections(figures: Figures, questions: list[Question]) -> list[Section]:
    """Return the sections of the questions that have an answer to draw."""
    sentences = findings(figures)
    answered = []
    for question in questions:
        wide = question.chart(figures, question.width)
        if wide:
            finding = sentences.get(question.name, ())
            answered.append(
                Section(
                    question=question,
                    finding=finding,
                    description=f"{question.text} {plain(finding)}".strip(),
                    wide=wide,
                    narrow=question.chart(figures, _NARROW),
                )
            )
    return answered


def _releases(figures: Figures) -> Question:
    """Return the question for releases: by step, or as bars where there are too few steps."""
    text = PRODUCT["releases"]
    if len(figures.steps) < releases.FEWEST_STEPS:
        return _bars(figures, "releases", text, "release", most=12)
    ages = "A hue for each supported major, the stronger the newer"
    return Question(
        name="releases",
        text=text,
        chart=releases.releases,
        legend=f"Share of starts {_by_step(figures)}. {ages}; orange is older than {oldest_supported(figures)}.",
        tables=(*_table(figures, "release"), chart_numbers.of_releases(figures)),
    )


def _by_step(figures: Figures) -> str:
    """Return the interval at which a chart is drawn."""
    every = one_in(len(figures.steps), MOST_STEPS)
    return f"by {figures.step}" + (f", one of {every} drawn" if every > 1 else "")


def _bars(  # noqa: PLR0913 - the parts of a question
    figures: Figures, name: str, text: str, dimension: str, *, most: int, missing: str = NOT_SET
) -> Question:
    """Return the question for a dimension; the chart shows its most frequent values."""
    table = figures.tables.get(dimension)
    values = len(table.rows) if table else 0
    limit = f" The first {most} of {values} values." if values > most else ""
    return Question(
        name=name,
        text=text,
        chart=product.bars(dimension, most=most, missing=missing),
        legend=f"Share of the starts of each run mode.{limit}",
        tables=_table(figures, dimension),
    )


def _table(figures: Figures, dimension: str) -> tuple[Numbers, ...]:
    """Return the table of a dimension, if the figures have it."""
    if dimension not in figures.tables:
        return ()
    return (chart_numbers.of_dimension(figures.tables[dimension], phrases.LABELS[dimension]),)
