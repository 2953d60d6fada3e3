"""The report as a page: one file without scripts that loads nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jinja2

from otel_tbot.report import display, question_texts, sections
from otel_tbot.report.figures import RUN_MODES
from otel_tbot.report.findings import Strong, bursts_since, can_compare_days, can_find_bursts, oldest_supported
from otel_tbot.report.formats import phrases
from otel_tbot.version import __version__

if TYPE_CHECKING:
    from otel_tbot.report.figures import Figures


def render(figures: Figures, *, files: int) -> str:
    """Return the report as HTML.

    Args:
        figures: the figures to show.
        files: the number of files that were read; 0 for a database.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("otel_tbot.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2").render(
        bursts_since=display.day(bursts_since(figures)) if can_find_bursts(figures) else "",
        can_compare_days=can_compare_days(figures),
        figures=figures,
        files=files,
        is_strong=lambda part: isinstance(part, Strong),
        old=_old_now(figures),
        oldest=oldest_supported(figures),
        operator=sections.operators(figures),
        product=sections.products(figures),
        question_texts=question_texts,
        run_modes=RUN_MODES,
        version=__version__,
        phrases=phrases,
        display=display,
    )


def _old_now(figures: Figures) -> list[tuple[str, str]]:
    """Return each run mode's share of old releases in the last step, where it is shown."""
    last = figures.steps[-1] if figures.steps else None
    shares = {entry.run_mode: entry.share for entry in figures.old_releases if entry.begin == last}
    return [(mode, display.percent(shares[mode])) for mode in RUN_MODES if mode in shares]
