"""The queries for Loki are valid LogQL, by the grammar of Grafana's own editor."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.dashboards import named_queries
from tests.support.node import installed

_PROGRAM = Path(__file__).with_name("node")
# Grafana replaces these before Loki sees a query.
_VARIABLES = {"$__range_s": "2419200", "$__range": "28d", "$supported_majors": "2"}
_PARSED_WITHIN = 50  # seconds
_LONGEST = 30  # days that a query may cover by default in Loki, plus one hour


@pytest.fixture(scope="module")
def grammar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install Grafana's LogQL grammar, pinned by its lock file, into its own folder."""
    return installed(_PROGRAM, tmp_path_factory.mktemp("grammar"))


def errors(grammar: Path, queries: list[str]) -> list[list[int]]:
    """Return the positions of the syntax errors in each query."""
    ended = subprocess.run(
        ["node", "parse_logql.js"],
        cwd=grammar,
        input=json.dumps(queries),
        capture_output=True,
        text=True,
        check=True,
        timeout=_PARSED_WITHIN,
    )
    found: list[list[int]] = json.loads(ended.stdout)
    return found


def interpolated(query: str) -> str:
    """Return a query with values for the variables."""
    for name, value in _VARIABLES.items():
        query = query.replace(name, value)
    assert "$" not in query
    return query


def test_queries(grammar: Path) -> None:
    """Each query of the boards and of the alert rules is valid LogQL; an invalid one is detected."""
    queries = {name: interpolated(query) for name, query in named_queries("loki")}
    *found, broken = errors(grammar, [*queries.values(), "sum by (release) (count_over_time({a=`b`} [1d])"])
    assert {name: places for name, places in zip(queries, found, strict=True) if places} == {}
    assert broken


@pytest.mark.parametrize(("name", "query"), [pytest.param(*one, id=one[0]) for one in named_queries("loki")])
def test_limits(name: str, query: str) -> None:
    """No query covers more days than Loki allows by default, and each selects our events by a label."""
    days = [int(number) for number in re.findall(r"\[(\d+)d\]", interpolated(query))]
    assert [number for number in days if number > _LONGEST] == [], name
    selectors = set(re.findall(r"\{[^{}]*\}(?= \|)", query))
    assert selectors == {'{service_name="tbot"}'}, name
