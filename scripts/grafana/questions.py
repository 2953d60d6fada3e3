"""The questions of the boards in one table: how each is shown, and the queries for ClickHouse and Loki.

Wording and order are those of the report. A board leaves out a question that its backend cannot answer like the report.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from otel_tbot.report import display
from otel_tbot.report.dimensions import KINDS
from otel_tbot.report.figures import BURST_HISTORY, RUN_MODES
from otel_tbot.report.formats.phrases import LABELS
from otel_tbot.report.question_texts import OPERATOR, PRODUCT
from otel_tbot.report.trends import COMPARED, MIN_PERIOD, RECENT
from scripts.grafana import logql, sql

if TYPE_CHECKING:
    from collections.abc import Mapping

Backend = Literal["clickhouse", "loki"]
BACKENDS: tuple[Backend, ...] = ("clickhouse", "loki")
Picture = Literal["table", "stacked", "bars", "lines", "hours"]

QUESTIONS = PRODUCT | OPERATOR
TOTALS = "Starts"
FULL, HALF = 24, 12  # columns of the board's grid
SHARE_OF = {mode: f"share of {mode}" for mode in RUN_MODES}
BURST = "burst"
GAP_SERIES = "may lack events"
_ONE_SHOT, _DAEMON = RUN_MODES
_WEEKS = f"{RECENT.days // 7} weeks"
_PERIOD = f"{MIN_PERIOD.days // 7} weeks"
_BY_STEP = "by whole steps within the time that is shown, without bursts."
_ROLLING = "in the seven days before each point, bursts included."
_SO_FAR = f"The {_WEEKS} before the end of the time that is shown are compared with the {_WEEKS} before them"


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One visualization of the answer to a question.

    Attributes:
        picture: how it is drawn.
        queries: the queries for the backend; the first is A.
        legend: how it is read.
        part: the part of the answer that it shows, if not all.
        width: the width in columns of the grid.
        columns: the names of a table's columns, where the backend's names differ.
        names: the name of each query's series, where the backend does not name it.
        step: the time between two points, unless the query sets it.
    """

    picture: Picture
    queries: tuple[str, ...]
    legend: str
    part: str = ""
    width: int = FULL
    columns: Mapping[str, str] | None = None
    names: tuple[str, ...] = ()
    step: str = ""


def _values(*names: str) -> dict[str, str]:
    """Return the name of each query's value, in the order of the queries."""
    return {f"Value #{chr(ord('A') + place)}": name for place, name in enumerate(names)}


def _table(dimension: str) -> dict[Backend, tuple[Panel, ...]]:
    """Return the panels for a dimension, which both backends count in the same way."""
    legend = "Starts of each run mode, and their share of all its starts."
    queries = (query for mode in RUN_MODES for query in (logql.by(dimension, mode), logql.share(dimension, mode)))
    named = _values(*(name for mode in RUN_MODES for name in (mode, SHARE_OF[mode])))
    return {
        "clickhouse": (Panel(picture="table", queries=(sql.table(dimension),), legend=legend, width=HALF),),
        "loki": (
            Panel(
                picture="table",
                queries=tuple(queries),
                legend=legend,
                width=HALF,
                columns={dimension: LABELS[dimension], **named},
            ),
        ),
    }


PANELS: Mapping[str, Mapping[Backend, tuple[Panel, ...]]] = {
    "totals": {
        "clickhouse": (
            Panel(
                picture="table",
                queries=(sql.totals(),),
                legend="A usual day has the median of the days that are covered as a whole.",
            ),
        ),
        "loki": (
            Panel(
                picture="table",
                queries=(logql.by_run_mode(),),
                legend="The starts of each run mode.",
                columns={logql.RUN_MODE: LABELS["run_mode"], **_values("starts")},
            ),
        ),
    },
    "releases": {
        "clickhouse": tuple(
            Panel(
                picture="stacked",
                queries=(sql.releases(mode),),
                legend=f"Share of starts {_BY_STEP}",
                part=mode,
                width=HALF,
            )
            for mode in RUN_MODES
        ),
        "loki": tuple(
            Panel(
                picture="stacked",
                queries=(logql.share("release", mode, over=logql.WEEK),),
                legend=f"Share of starts {_ROLLING}",
                part=mode,
                width=HALF,
                names=("{{release}}",),
                step=logql.DAY,
            )
            for mode in RUN_MODES
        ),
    },
    "join_methods": _table("join_type"),
    "movement": {
        "clickhouse": (
            Panel(
                picture="table",
                queries=(sql.movement(),),
                legend=f"Share of starts in the first {display.spell_out(COMPARED)} whole steps and in the last, and "
                "the difference in percentage points. Bursts are left out.",
                width=HALF,
            ),
        ),
        "loki": tuple(
            Panel(
                picture="table",
                queries=(
                    logql.share_before("join_type", mode),
                    logql.share("join_type", mode, over=logql.WEEKS),
                ),
                legend=f"{_SO_FAR}. Bursts are not left out.",
                part=mode,
                width=HALF,
                columns={"join_type": LABELS["join_type"], **_values("before", "after")},
            )
            for mode in RUN_MODES
        ),
    },
    "destinations": {
        "clickhouse": (
            Panel(
                picture="table",
                queries=(sql.destinations(),),
                legend="Share of starts with none, one, two, and more destinations of a kind.",
                width=HALF,
            ),
        ),
        "loki": (
            Panel(
                picture="table",
                queries=tuple(map(logql.destinations, KINDS)),
                legend="Share of starts with none, one, two, and more destinations of a kind.",
                width=HALF,
                columns={logql.RUN_MODE: LABELS["run_mode"], **_values(*KINDS)},
            ),
        ),
    },
    "helpers": _table("helper"),
    "platforms": _table("platform"),
    "per_day": {
        "clickhouse": (
            Panel(
                picture="bars",
                queries=(sql.per_day(),),
                legend="The lines are the median of seven days. Days marked as such may lack events.",
            ),
        ),
        "loki": (
            Panel(
                picture="bars",
                queries=tuple(logql.count(mode, over=logql.DAY) for mode in RUN_MODES),
                legend="The starts in the 24 hours before each point.",
                names=RUN_MODES,
                step=logql.DAY,
            ),
        ),
    },
    "bursts": {
        "clickhouse": (
            Panel(
                picture="lines",
                queries=(sql.bursts_by_hour(),),
                legend="Daemon starts by hour, on a logarithmic scale; an hour of a burst stands out from "
                f"the {BURST_HISTORY} hours before it.",
            ),
            Panel(
                picture="table",
                queries=(sql.bursts(),),
                legend="Each burst, with the version and join method that most of its starts have.",
                part="bursts",
            ),
        ),
        "loki": (
            Panel(
                picture="lines",
                queries=(logql.count(_DAEMON, over=logql.HOUR),),
                legend="Daemon starts in the hour before each point, on a logarithmic scale. The alert rule "
                "detects bursts.",
                names=("daemon starts",),
                step=logql.HOUR,
            ),
        ),
    },
    "old_releases": {
        "clickhouse": (
            Panel(
                picture="lines",
                queries=(sql.old_releases(),),
                legend=f"Share of starts with a release older than the newest majors, {_BY_STEP}",
                width=HALF,
            ),
        ),
        "loki": (
            Panel(
                picture="lines",
                queries=(logql.old_releases(),),
                legend=f"Share of starts with a release older than the newest majors, {_ROLLING}",
                width=HALF,
                names=("{{tbot_run_mode}}",),
                step=logql.DAY,
            ),
        ),
    },
    "hours": {
        "clickhouse": (
            Panel(picture="hours", queries=(sql.hours(),), legend="One-shot starts per hour, on average.", width=HALF),
        ),
        "loki": (
            Panel(
                picture="hours",
                queries=(logql.hours(),),
                legend="One-shot starts per hour, on average. The first day is Monday.",
                width=HALF,
            ),
        ),
    },
    "new": {
        "clickhouse": (
            Panel(
                picture="table",
                queries=(sql.new(),),
                legend=f"Values that were not seen before, if the time that is shown has {_PERIOD} or more.",
            ),
        ),
        "loki": (
            Panel(
                picture="table",
                queries=(logql.all_new(),),
                legend=f"{_SO_FAR}; nothing is shown where those have no starts.",
                columns={logql.RUN_MODE: LABELS["run_mode"], **_values("starts")},
            ),
        ),
    },
}
