"""The boards and alert rules match the generator, and are valid for Grafana's types and provisioning."""

from __future__ import annotations

import json
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.cog.runtime import UnknownDataquery, panelcfg_config
from grafana_foundation_sdk.models.alerting import Rule
from grafana_foundation_sdk.models.dashboard import Dashboard

from otel_tbot.report.question_texts import OPERATOR, PRODUCT
from scripts.grafana.files import files
from tests.support.dashboards import BACKENDS, board, panels, provisioned, rules

BOARDS = [(backend, name) for backend in BACKENDS for name in ("product", "operators")]
_WIDTH = 24  # columns of the grid

register_default_plugins()


def encoded(model: object) -> Any:  # noqa: ANN401  JSON
    """Return the SDK's JSON of a model."""
    return json.loads(json.dumps(model, cls=JSONEncoder))


def test_files_are_fresh() -> None:
    """The files are those that `make generate` writes."""
    stale = [path.name for path, text in files().items() if path.read_text(encoding="utf-8") != text]
    assert stale == []


@pytest.mark.parametrize(("backend", "name"), BOARDS)
def test_types(backend: str, name: str) -> None:
    """Nothing of a board is lost when the SDK parses it: each part has one of Grafana's types."""
    stored = board(backend, name)
    read = Dashboard.from_json(stored)
    assert encoded(read) == stored
    assert [panel.type_val for panel in read.panels or [] if panelcfg_config(panel.type_val) is None] == []
    unknown = {
        query.data["datasource"]["type"]
        for panel in read.panels or []
        for query in panel.targets or []
        if isinstance(query, UnknownDataquery)
    }
    # The SDK has no type for this data source, which is a plug-in.
    assert unknown == ({"grafana-clickhouse-datasource"} if backend == "clickhouse" else set())


@pytest.mark.parametrize(("backend", "name"), BOARDS)
def test_limits_come_first(backend: str, name: str) -> None:
    """A board begins with its limits."""
    first, *_ = board(backend, name)["panels"]
    assert (first["type"], first["gridPos"]["y"], first["gridPos"]["w"]) == ("text", 0, _WIDTH)
    told = first["options"]["content"]
    assert "Starts are not machines." in told
    assert "Only those who opted in are counted." in told
    assert "Small numbers are shown," in told
    assert ("not spans" in told) == (backend == "loki")


@pytest.mark.parametrize(("backend", "name"), BOARDS)
def test_questions(backend: str, name: str) -> None:
    """A board has the questions of a part of the report, in the same words and order."""
    asked = {"product": PRODUCT, "operators": OPERATOR}[name]
    titles = [panel["title"].partition(" (")[0] for panel in board(backend, name)["panels"][1:]]
    assert list(dict.fromkeys(titles)) == [*(["Starts"] if name == "product" else []), *asked.values()]


@pytest.mark.parametrize(("backend", "name"), BOARDS)
def test_grid(backend: str, name: str) -> None:
    """No panel covers another one or extends beyond the edge, and each has its own number."""
    drawn = board(backend, name)["panels"]
    covered = [
        (x, y)
        for place in (panel["gridPos"] for panel in drawn)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(covered) == len(set(covered))
    assert max(x for x, _ in covered) < _WIDTH
    assert len({panel["id"] for panel in drawn}) == len(drawn)


@pytest.mark.parametrize("backend", BACKENDS)
def test_sources(backend: str) -> None:
    """The boards let the reader choose a data source of the backend; the rules use the provisioned one."""
    (source,) = provisioned(backend, "datasources")["datasources"]
    for panel in panels(backend):
        used = [target["datasource"] for target in panel.get("targets", ())]
        assert used == [{"type": source["type"], "uid": "${datasource}"}] * len(used)
    asked = [part["datasourceUid"] for rule in rules(backend) for part in rule["data"]]
    assert set(asked) == {source["uid"], "__expr__"}


@pytest.mark.parametrize("backend", BACKENDS)
def test_rules(backend: str) -> None:
    """Each rule is valid for Grafana's type, its condition is one of its parts, and parts refer to earlier ones."""
    for rule in rules(backend):
        group = {"folderUID": "", "orgID": 1, "ruleGroup": "tbot"}
        assert encoded(Rule.from_json({**rule, **group})) == {**rule, **group}
        names = [part["refId"] for part in rule["data"]]
        assert names[-1] == rule["condition"]
        assert [part["model"]["refId"] for part in rule["data"]] == names
        for place, part in enumerate(rule["data"]):
            expression = part["model"].get("expression", "")
            used = {name for name in names if f"${name}" in expression or name == expression}
            assert used <= set(names[:place])
            assert bool(used) == (part["datasourceUid"] == "__expr__")


def test_identifiers() -> None:
    """No two boards and no two rules have the same identifier."""
    boards = [board(*one)["uid"] for one in BOARDS]
    alerts = [rule["uid"] for backend in BACKENDS for rule in rules(backend)]
    assert len({*boards, *alerts}) == len(boards) + len(alerts)
    assert max(map(len, boards + alerts)) <= 40  # the maximum length in Grafana


@pytest.mark.parametrize("backend", BACKENDS)
def test_folder(backend: str) -> None:
    """Boards and rules are in one folder of Grafana's."""
    (provider,) = provisioned(backend, "dashboards")["providers"]
    (group,) = provisioned(backend, "alerting")["groups"]
    assert provider["folder"] == group["folder"]
