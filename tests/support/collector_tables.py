"""The Collector's tables in ClickHouse, in the layouts of several releases of its exporter, and rows of events."""

from __future__ import annotations

import gzip
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENTS = Path(__file__).parents[2] / "examples" / "report" / "events.jsonl.gz"
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

_MAP, _JSON = "Map(LowCardinality(String), String)", "JSON"
_TIME = "TimestampTime DateTime DEFAULT toDateTime(Timestamp),"
_EVENT = "EventName String,"
# The differences between the releases: a second column of the time, the event's name, and the type of attributes.
LAYOUTS = {
    "without": ("", _MAP),
    "TimestampTime": (_TIME, _MAP),
    "EventName": (_EVENT, _MAP),
    "TimestampTime and EventName": (_TIME + _EVENT, _MAP),
    "JSON": (_EVENT, _JSON),
}


def tables(layout: str) -> tuple[str, str]:
    """Return the statements that create the tables of logs and of traces."""
    further, attributes = LAYOUTS[layout]
    common = "Timestamp DateTime64(9), TraceId String, SpanId String, ServiceName LowCardinality(String)"
    end = f"ResourceAttributes {attributes}, ScopeName String, ScopeVersion String"
    logs = f"{common}, {further} SeverityNumber UInt8, Body String, {end}, LogAttributes {attributes}"
    traces = f"{common}, SpanName LowCardinality(String), Duration UInt64, {end}, SpanAttributes {attributes}"
    # Without the exporter's partitions of a day, which would be slow here.
    engine = "ENGINE = MergeTree ORDER BY (ServiceName, Timestamp)"
    return f"CREATE TABLE otel_logs ({logs}) {engine}", f"CREATE TABLE otel_traces ({traces}) {engine}"


def rows(*, until: datetime | None = None) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the example's events as the exporter would insert them: alternating log records and spans.

    Some are delivered again: unchanged as a span, and with another time as a log record.
    """
    logs: list[dict[str, Any]] = []
    spans: list[dict[str, Any]] = []
    for number, (time, resource, event) in enumerate(_events()):
        if until is not None and time >= until:
            continue
        log, span = _log(time, resource, event), _span(time, resource, event)
        if number % 2:
            logs.append(log)
        else:
            spans.append(span)
        if number % 50 == 0:
            spans.append(span)
            logs.append(_log(time + timedelta(minutes=5), resource, event))
    return logs, spans


def _log(time: datetime, resource: dict[str, str], event: dict[str, str]) -> dict[str, Any]:
    return {**_common(time, resource), "Body": "tbot.start", "LogAttributes": event}


def _span(time: datetime, resource: dict[str, str], event: dict[str, str]) -> dict[str, Any]:
    return {**_common(time, resource), "SpanName": "tbot.start", "SpanAttributes": event}


def _common(time: datetime, resource: dict[str, str]) -> dict[str, Any]:
    return {"Timestamp": f"{time:%Y-%m-%d %H:%M:%S}", "ServiceName": "tbot", "ResourceAttributes": resource}


def _events() -> Iterator[tuple[datetime, dict[str, str], dict[str, str]]]:
    with gzip.open(EVENTS, "rt") as file:
        for line in file:
            for resource in json.loads(line)["resourceLogs"]:
                for scope in resource["scopeLogs"]:
                    for record in scope["logRecords"]:
                        time = _EPOCH + timedelta(microseconds=int(record["timeUnixNano"]) // 1000)
                        yield time, _texts(resource["resource"]), _texts(record)


def _texts(part: dict[str, Any]) -> dict[str, str]:
    """Return the attributes as strings, as the exporter stores them."""
    return {one["key"]: str(next(iter(one["value"].values()))) for one in part["attributes"]}
