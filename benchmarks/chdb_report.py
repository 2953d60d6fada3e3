"""`python -m benchmarks.chdb_report FILE`: the report of a file as JSON, computed by chdb for comparison.

ClickHouse's engine reads the file, validates each value against the schema, keeps each session once and answers every
question of the report. Unreadable lines are not counted, and which copy of a session is kept is arbitrary.
"""

from __future__ import annotations

import json
import sys
from datetime import date, datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

from otel_tbot.report.clickhouse_ddl import select_starts
from otel_tbot.report.columns import ATTRIBUTES, COLUMNS, RESOURCE_NAMES
from otel_tbot.report.compute import compute_figures
from otel_tbot.report.dialect import CLICKHOUSE
from otel_tbot.report.dimensions import DIMENSIONS
from otel_tbot.report.figures import LeftOut
from otel_tbot.report.formats.json_format import render_json
from otel_tbot.schema.constants import EVENT_NAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_tbot.report.store import Rows

_ATTRIBUTES = "Array(Tuple(key String, value Tuple(stringValue String, intValue String)))"
_RECORDS = (
    "Array(Tuple(timeUnixNano String, startTimeUnixNano String, eventName String, name String, "
    f"attributes {_ATTRIBUTES}))"
)
_SECONDS = "intDiv(toUInt64OrZero(concat(record.timeUnixNano, record.startTimeUnixNano)), 1000000000)"
_FROM_TEXT: dict[str, Callable[[str], Any]] = {
    "Date": date.fromisoformat,
    "DateTime": datetime.fromisoformat,
    "UInt64": int,
    "Int64": int,
}


class ChdbStarts:
    """The starts of a file, in the memory of an engine in this process."""

    left_out = LeftOut(unreadable_lines=0, invalid=None, repeated=None, implausible_time=None, outside_period=None)

    def __init__(self, file: str) -> None:
        """Read the file."""
        self._session = import_module("chdb.session").Session()
        self._session.query(f"CREATE DATABASE report; USE report; {load(file)}")

    def query(self, sql: str) -> Rows:
        """Return the rows that answer a query of the table `tbot_starts`."""
        answer = str(self._session.query(sql, "JSONCompactEachRowWithNamesAndTypes"))
        _, types, *rows = map(json.loads, answer.splitlines())
        return [tuple(map(_value, types, row)) for row in rows]

    def as_parquet(self) -> bytes:
        """Return nothing, because Parquet is not compared."""
        return b""


def _value(of_type: str, value: Any) -> Any:  # noqa: ANN401  whatever the engine returns
    of_type = of_type.removeprefix("LowCardinality(").removeprefix("Nullable(").partition("(")[0].rstrip(")")
    return _FROM_TEXT[of_type](value) if of_type in _FROM_TEXT and isinstance(value, str) else value


def _parts(request: str, scopes: str, records: str) -> str:
    """Return an array of the resources' attributes and records of one kind of request."""
    shape = f"Array(Tuple(resource Tuple(attributes {_ATTRIBUTES}), {scopes} Array(Tuple({records} {_RECORDS}))))"
    found = f"JSONExtract(line, '{request}', '{shape}')"
    return f"arrayMap(part -> (part.resource.attributes, arrayFlatten(part.{scopes}.{records})), {found})"


def _stored(name: str) -> str:
    """Return the stored text of an attribute, NULL if it is missing."""
    attributes = "part.1" if name in RESOURCE_NAMES else "record.attributes"
    value = "stringValue" if ATTRIBUTES[name].type == "string" else "intValue"
    key = CLICKHOUSE.literal(name)
    return f"if(has({attributes}.key, {key}), {attributes}.value.{value}[indexOf({attributes}.key, {key})], NULL)"


def load(file: str) -> str:
    """Return the statement that creates the table `tbot_starts` from a file of OTLP/JSON lines."""
    stored = ", ".join(f"{_stored(name)} AS {column}" for name, column in COLUMNS.items())
    starts = select_starts(f"""
        SELECT arrayJoin(part.2) AS record, toDateTime({_SECONDS}, 'UTC') AS time, {stored}
        FROM (
            SELECT arrayJoin(arrayConcat(
                {_parts("resourceLogs", "scopeLogs", "logRecords")},
                {_parts("resourceSpans", "scopeSpans", "spans")}
            )) AS part
            FROM file({CLICKHOUSE.literal(file)}, LineAsString)
        )
        WHERE record.eventName = '{EVENT_NAME}' OR record.name = '{EVENT_NAME}'
    """)  # noqa: S608  built from constants, and from a file of the benchmark
    return f"CREATE TABLE tbot_starts ENGINE = Memory AS {starts} LIMIT 1 BY validated.session"


if __name__ == "__main__":
    print(render_json(compute_figures(ChdbStarts(sys.argv[1]), at_least=1, supported_majors=2), DIMENSIONS), end="")
