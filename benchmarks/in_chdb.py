"""`python -m benchmarks.in_chdb FILE`: the tables of a report by chdb, which a report is compared with.

Counts each session once, by every dimension, by day and by hour. It checks no value, finds no burst and draws nothing.
"""

from __future__ import annotations

import sys
from importlib import import_module

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


def _attribute(attributes: str, name: str, value: str = "stringValue") -> str:
    return f"{attributes}.value.{value}[indexOf({attributes}.key, '{name}')]"


def query(file: str) -> str:
    """Return the question of a report in ClickHouse's SQL."""
    columns = [f"{_attribute('record.attributes', f'tbot.{name}')} AS {name}" for name in _COLUMNS]
    columns += [
        f"toInt32OrZero({_attribute('record.attributes', f'tbot.destinations_{kind}', 'intValue')}) > 0 AS {kind}"
        for kind in _KINDS
    ]
    sets = ("version", "join_type", "helper", "helper, helper_version", "os", "arch", "os, arch", ", ".join(_KINDS))
    times = ("toDate(time)", "toStartOfHour(time)", "toMonday(time), version", "toMonday(time), join_type")
    grouped = ", ".join(f"(run_mode, {one})" for one in (*sets, *times))
    return f"""
        SELECT run_mode, version, join_type, helper, helper_version, os, arch, {", ".join(_KINDS)},
            toDate(time), toStartOfHour(time), toMonday(time), count()
        FROM (
            SELECT
                {_attribute("part.1", "session.id")} AS session,
                {_attribute("part.1", "os.type")} AS os,
                {_attribute("part.1", "host.arch")} AS arch,
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
            WHERE record.eventName = 'tbot.start' OR record.name = 'tbot.start'
            LIMIT 1 BY session
        )
        GROUP BY GROUPING SETS ({grouped})
    """  # noqa: S608  of constants, and a file of the benchmark's own


if __name__ == "__main__":
    print(import_module("chdb").query(query(sys.argv[1])))
