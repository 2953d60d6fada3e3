"""Each output format shows the figures, and marks suppressed ones."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from importlib import resources
from typing import Any

import jsonschema
import pytest

from otel_tbot.report.dimensions import DIMENSIONS
from otel_tbot.report.figures import Burst, Figures, LeftOut, New, Row, Table
from otel_tbot.report.formats import phrases
from otel_tbot.report.formats.csv_format import escape_formula, render_csv
from otel_tbot.report.formats.json_format import render_json
from otel_tbot.report.formats.markdown_format import escape, render_markdown
from otel_tbot.report.formats.text_format import print_text

FIRST = datetime(2026, 6, 1, 9)
ROW = Row(value="18.2", starts={"one-shot": 1200, "daemon": None}, shares={"one-shot": 0.6, "daemon": None}, days=20)
EMPTY = Table(dimension="os", rows=(), suppressed=0, suppressed_starts={"one-shot": 0, "daemon": 0})
RELEASES = Table(dimension="release", rows=(ROW,), suppressed=2, suppressed_starts={"one-shot": 800, "daemon": None})
FIGURES = Figures(
    first=FIRST,
    last=FIRST + timedelta(days=60),
    at_least=10,
    supported_majors=2,
    starts={"one-shot": 2000, "daemon": 40},
    median_day={"one-shot": 33, "daemon": 1},
    left_out=LeftOut(unreadable_lines=1, invalid=0, repeated=2, implausible_time=0, outside_period=0),
    tables={dimension: replace(EMPTY, dimension=dimension) for dimension in DIMENSIONS} | {"release": RELEASES},
    step="week",
    steps=(),
    releases=(),
    join_methods=(),
    destinations=(),
    per_day=(),
    per_hour=(),
    hours_of_week=(),
    gaps=(date(2026, 6, 20),),
    bursts=(
        Burst(
            begin=FIRST,
            end=FIRST + timedelta(hours=2),
            starts=1500,
            expected=1,
            version="18.2.3",
            join_type="bound_keypair",
            starts_of_these=1400,
        ),
    ),
    old_releases=(),
    newest_major=18,
    new=(New(dimension="join_type", value="tpm", starts={"one-shot": 20, "daemon": None}, since=date(2026, 7, 20)),),
)


def test_json_schema() -> None:
    """The JSON matches the shipped schema, and the schema allows nothing else."""
    schema: Any = json.loads(resources.files("otel_tbot.report.formats").joinpath("schema.json").read_text())
    document = json.loads(render_json(FIGURES, DIMENSIONS))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(document)
    document["tables"]["release"]["rows"][0]["session"] = "x"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate(document)


def test_json() -> None:
    """The JSON has the keys of its contract; suppressed numbers are null."""
    document = json.loads(render_json(FIGURES, ["release"]))
    assert document["format"] == "otel-tbot/report/1"
    assert (document["from"], document["to"]) == ("2026-06-01T09:00:00Z", "2026-07-31T09:00:00Z")
    row = {"value": "18.2", "one-shot": 1200, "daemon": None, "one-shot share": 0.6, "daemon share": None, "days": 20}
    suppressed = {"values": 2, "one-shot": 800, "daemon": None}
    assert document["tables"] == {"release": {"rows": [row], "suppressed": suppressed}}


def test_csv() -> None:
    """The CSV has a row for each value and run mode; suppressed numbers are empty."""
    assert render_csv(FIGURES, ["release"]).splitlines() == [
        "dimension,value,run_mode,starts,share,days_seen",
        "release,18.2,one-shot,1200,0.600000,20",
        "release,18.2,daemon,,,20",
        "release,(others),one-shot,800,,",
        "release,(others),daemon,,,",
    ]


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\r=1"])
def test_formula(text: str) -> None:
    """A formula that a spreadsheet would run is quoted."""
    assert escape_formula(text) == f"'{text}"


def test_markdown() -> None:
    """The Markdown has a table for each dimension, and the findings."""
    text = render_markdown(FIGURES, ["release"])
    assert "1 June 2026 to 31 July 2026 (UTC)" in text
    assert f"| 18.2 | 1,200 | 60% | {phrases.NOT_SHOWN} |  |" in text
    assert f"| 2 more values | 800 |  | {phrases.NOT_SHOWN} |  |" in text
    assert (
        "- **burst** 1 June, 09:00 to 11:00 (UTC), 1,500 daemon starts where 1 would be usual; 93% of them have 18.2.3 "
        r"with bound\_keypair"
    ) in text
    assert "- **gap** 20 June is so far below the days around that the store may lack events" in text
    assert "- **new** join method tpm, since 20 July: 20 one-shot starts" in text
    assert "Left out: 2 repeated deliveries of counted starts and 1 line that could not be read." in text


def test_markdown_is_escaped() -> None:
    """Text that Markdown would read as syntax is escaped."""
    assert escape("a|b_c<d>[e](f)*") == r"a\|b\_c\<d\>\[e\](f)\*"


def test_text() -> None:
    """The text has the same numbers, without colors outside of a terminal."""
    file = io.StringIO()
    print_text(FIGURES, ["release"], file, limit=10)
    text = file.getvalue()
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 100
    for part in ("2,000", "1,200", "60%", "2 more values", "burst", "gap", "new", "Left out"):
        assert part in text


def test_text_ends_after_the_limit() -> None:
    """A long table says how many rows are left, and how to see them."""
    file = io.StringIO()
    print_text(FIGURES, ["release"], file, limit=0)
    assert "1 more rows: --by release" in file.getvalue()
