"""`python -m benchmarks.in_chdb FILE`: the tables of a report by chdb, which a report is compared with.

Judges each value by the schema and counts each session once, by every dimension, by day and by hour. It tells no line
that cannot be read, chooses no copy of a session, finds no burst and draws nothing.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from otel_tbot.schema.constants import EVENT_ATTRIBUTES, RESOURCE_ATTRIBUTES

if TYPE_CHECKING:
    from otel_tbot.schema.attribute import Attribute

_ATTRIBUTES = "Array(Tuple(key String, value Tuple(stringValue String, intValue String)))"
_RECORDS = (
    "Array(Tuple(timeUnixNano String, startTimeUnixNano String, eventName String, name String, "
    f"attributes {_ATTRIBUTES}))"
)
_NANOSECONDS = "toUInt64OrZero(concat(record.timeUnixNano, record.startTimeUnixNano))"
_COLUMNS = ("run_mode", "version", "join_type", "helper", "helper_version")
_KINDS = ("other", "database", "kubernetes", "application")


def _parts(request: str, scopes: str, records: str) -> str:
    """Return an array of the resources' attributes and records of one kind of request."""
    shape = f"Array(Tuple(resource Tuple(attributes {_ATTRIBUTES}), {scopes} Array(Tuple({records} {_RECORDS}))))"
    found = f"JSONExtract(line, '{request}', '{shape}')"
    return f"arrayMap(part -> (part.resource.attributes, arrayFlatten(part.{scopes}.{records})), {found})"


def _attribute(attributes: str, row: Attribute) -> str:
    """Return what the schema makes of a value; an empty text where there is none, or where it is refused."""
    value = "stringValue" if row.type == "string" else "intValue"
    found = f"{attributes}.value.{value}[indexOf({attributes}.key, {_quoted(row.name)})]"
    if row.type == "int":
        return f"if(match({found}, '^[0-9]{{1,19}}$'), toInt64OrZero({found}), 0)"
    other = _quoted(row.on_invalid if row.on_invalid == "_OTHER" else "")
    if row.values:
        return f"multiIf({found} IN ({', '.join(map(_quoted, row.values))}), {found}, {found} = '', '', {other})"
    end = r"(?:[^0-9A-Za-z]|\z)" if row.drop_rest else r"\z"
    kept = f"extract({found}, {_quoted(rf'^(?:{row.prefix})?({row.pattern}){end}')})"
    return kept if row.on_invalid != "_OTHER" else f"multiIf({kept} != '', {kept}, {found} = '', '', {other})"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def query(file: str) -> str:
    """Return the question of a report in ClickHouse's SQL."""
    rows = {row.name: row for row in (*EVENT_ATTRIBUTES, *RESOURCE_ATTRIBUTES)}
    columns = [f"{_attribute('record.attributes', rows[f'tbot.{name}'])} AS {name}" for name in _COLUMNS]
    columns += [
        f"{_attribute('record.attributes', rows[f'tbot.destinations_{kind}'])} > 0 AS {kind}" for kind in _KINDS
    ]
    sets = ("version", "join_type", "helper", "helper, helper_version", "os", "arch", "os, arch", ", ".join(_KINDS))
    times = ("toDate(time)", "toStartOfHour(time)", "toMonday(time), version", "toMonday(time), join_type")
    grouped = ", ".join(f"(run_mode, {one})" for one in (*sets, *times))
    return f"""
        SELECT run_mode, version, join_type, helper, helper_version, os, arch, {", ".join(_KINDS)},
            toDate(time), toStartOfHour(time), toMonday(time), count()
        FROM (
            SELECT
                {_attribute("part.1", rows["session.id"])} AS session,
                {_attribute("part.1", rows["os.type"])} AS os,
                {_attribute("part.1", rows["host.arch"])} AS arch,
                arrayJoin(part.2) AS record,
                toDateTime(intDiv({_NANOSECONDS}, 1000000000)) AS time,
                {", ".join(columns)}
            FROM (
                SELECT arrayJoin(arrayConcat(
                    {_parts("resourceLogs", "scopeLogs", "logRecords")},
                    {_parts("resourceSpans", "scopeSpans", "spans")}
                )) AS part
                FROM file('{file}', LineAsString)
            )
            WHERE (record.eventName = 'tbot.start' OR record.name = 'tbot.start') AND session != '' AND run_mode != ''
            LIMIT 1 BY session
        )
        GROUP BY GROUPING SETS ({grouped})
    """  # noqa: S608  of constants, and a file of the benchmark's own


if __name__ == "__main__":
    print(import_module("chdb").query(query(sys.argv[1])))
