"""The boards, one for each section of the report and each backend."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard

from otel_tbot.report.formats.phrases import TITLE, TO_LOOK_INTO
from otel_tbot.report.question_texts import OPERATOR, PRODUCT
from scripts.grafana import panels
from scripts.grafana.questions import PANELS, Backend

if TYPE_CHECKING:
    from grafana_foundation_sdk.cog.builder import Builder

_SOURCE = "${datasource}"
_NAMES: dict[Backend, str] = {"clickhouse": "ClickHouse", "loki": "Loki"}
_SUBJECTS = {"product": "what is used", "operators": TO_LOOK_INTO.lower()}
_QUESTIONS = {"product": ("totals", *PRODUCT), "operators": tuple(OPERATOR)}
_PERIODS: dict[Backend, tuple[str, str]] = {
    "clickhouse": ("now-13w/w", "now"),  # a quarter, and the current week
    "loki": ("now-28d", "now"),  # Loki answers for no more than 30 days at once, by default
}
_LIMITS = """\
- **Starts are not machines.** A CI job is one one-shot start each time it runs; a daemon that restarts each hour is 24
  starts a day. One-shot and daemon starts are therefore never added.
- **Only those who opted in are counted.** This says nothing about other tbots.
- **Small numbers are shown,** and many starts can come from one machine. Keep this board internal. A page of
  `otel-tbot report` can be shared: it holds such numbers back.
- **Days and weeks are in UTC,** and weeks begin on Monday. The time of an event is that of the machine that sent it.
"""
_LIMITS_OF: dict[Backend, str] = {
    "clickhouse": "",
    "loki": """\
- **Loki keeps log records, not spans,** and keeps all that was sent: values are not validated against the schema. It
  has no medians, so bursts count in shares, and days that may lack events are not marked.
""",
}


def boards(backend: Backend) -> dict[str, str]:
    """Return the boards of a backend as JSON, by the name of the file."""
    return {f"{name}.json": _encoded(_board(name, backend)) for name in _QUESTIONS}


def _board(name: str, backend: Backend) -> dashboard.Dashboard:
    source = dashboard.DataSourceRef(type_val=panels.TYPES[backend], uid=_SOURCE)
    board = builders.Dashboard(f"{TITLE}: {_SUBJECTS[name]} ({_NAMES[backend]})").uid(f"tbot-{name}-{backend}")
    board.tags(["tbot"]).timezone("utc").week_start("monday").editable().time(*_PERIODS[backend])
    board.with_variable(builders.DatasourceVariable("datasource").label("Data source").type(panels.TYPES[backend]))
    if "old_releases" in _QUESTIONS[name]:
        board.with_variable(
            _choice("supported_majors", "Newest majors that are not old", ("1", "2", "3", "4"), default="2")
        )
    if backend == "clickhouse":
        board.with_variable(_choice("step", "Shares by", ("week", "day"), default="week"))
    built: list[Builder[dashboard.Panel]] = [panels.note(_LIMITS + _LIMITS_OF[backend])]
    questions = (question for question in _QUESTIONS[name] if backend in PANELS[question])
    built += [panels.build(one, panel, backend, source) for one in questions for panel in PANELS[one][backend]]
    for panel in built:
        board.with_panel(panel)
    made = board.build()
    for number, panel in enumerate(made.panels or [], start=1):
        panel.id_val = number
    return made


def _choice(name: str, label: str, values: tuple[str, ...], *, default: str) -> builders.CustomVariable:
    options = [dashboard.VariableOption(selected=one == default, text=one, value=one) for one in values]
    variable = builders.CustomVariable(name).label(label).values(",".join(values)).options(options)
    return variable.current(dashboard.VariableOption(selected=True, text=default, value=default))


def _encoded(board: dashboard.Dashboard) -> str:
    return json.dumps(board, cls=JSONEncoder, indent=2, ensure_ascii=False) + "\n"
