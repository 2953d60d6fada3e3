"""The boards and alert rules of the example, as Grafana reads them, and their queries."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parents[2] / "examples" / "grafana"
BACKENDS = ("clickhouse", "loki")


@cache
def board(backend: str, name: str) -> dict[str, Any]:
    """Return a board."""
    loaded: dict[str, Any] = json.loads((FOLDER / backend / "dashboards" / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


@cache
def provisioned(backend: str, kind: str) -> dict[str, Any]:
    """Return the file that provisions `datasources`, `dashboards` or `alerting`."""
    loaded: dict[str, Any] = yaml.safe_load((FOLDER / backend / kind / "tbot.yaml").read_text(encoding="utf-8"))
    return loaded


def rules(backend: str) -> list[dict[str, Any]]:
    """Return the alert rules."""
    (group,) = provisioned(backend, "alerting")["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def panels(backend: str) -> Iterator[dict[str, Any]]:
    """Yield the panels of both boards."""
    for name in ("product", "operators"):
        yield from board(backend, name)["panels"]


def named_queries(backend: str) -> Iterator[tuple[str, str]]:
    """Yield the name of each panel and alert rule with each of its queries, with the macros and variables in it."""
    key = {"clickhouse": "rawSql", "loki": "expr"}[backend]
    for panel in panels(backend):
        yield from ((panel["title"], target[key]) for target in panel.get("targets", ()))
    for rule in rules(backend):
        yield from ((rule["title"], part["model"][key]) for part in rule["data"] if key in part["model"])
