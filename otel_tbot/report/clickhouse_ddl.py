"""The tables and views that keep starts in ClickHouse, next to the tables that the Collector's exporter fills.

Of these only the columns are used that every release of the exporter has. Its attributes are maps, or of the type
JSON: as the text of a JSON object both are read in the same way.
"""

from __future__ import annotations

from otel_tbot.report.columns import COLUMNS, COUNTERS, OF_RESOURCE, helper_version, judged, plausible, required
from otel_tbot.report.dialect import CLICKHOUSE
from otel_tbot.report.dimensions import SQL

STARTS = "tbot_starts"
DAILY = "tbot_starts_daily"
_SOURCES = {"logs": "LogAttributes", "traces": "SpanAttributes"}  # tables `otel_...`, and the event's column in each
_SERVICE = "tbot"
_RUN_MODE = "tbot.run_mode"
# `release` and `platform` follow from others.
_DAILY_DIMENSIONS = ("run_mode", "version", "join_type", "helper", "helper_version", "destinations", "os", "arch")
_LATE_DAYS = 3  # of which the daily table is made again each hour

_TYPES = {
    "session": "UUID",
    "run_mode": "LowCardinality(String)",
    **dict.fromkeys(COUNTERS, "UInt32 CODEC(ZSTD(1))"),
}
_TEXT = "LowCardinality(Nullable(String)) CODEC(ZSTD(1))"


def statements() -> tuple[str, ...]:
    """Return the statements that make the tables and views and read what is stored already, in order."""
    filled = (statement for signal in _SOURCES for statement in (_view(signal), _history(signal)))
    return (_starts_table(), _daily_table(), _daily_view(), *filled)


def script() -> str:
    """Return the statements as a script with comments."""
    return (
        f"""\
-- The starts of tbot in ClickHouse, printed by: otel-tbot schema --format clickhouse
-- Run it in the database that the Collector's exporter fills, after the exporter has made its tables:
--   clickhouse-client --database otel --multiquery < schema.sql
-- Running it again is harmless. Without one of the Collector's tables, its last statements fail, and nothing else does.
-- To forget starts after a year: ALTER TABLE {STARTS} MODIFY TTL time + INTERVAL 12 MONTH

{"".join(f"{statement};{chr(10)}{chr(10)}" for statement in statements())}""".rstrip()
        + "\n"
    )


def _starts_table() -> str:
    types = {"time": "DateTime('UTC') CODEC(Delta(4), ZSTD(1))", **dict.fromkeys(COLUMNS.values(), _TEXT), **_TYPES}
    columns = ",\n".join(f"    {name} {of_type}" for name, of_type in types.items())
    # Everything is part of the order: what is left out as repeated is equal in every column.
    return f"""\
-- One row a start. Deliveries that are equal become one when parts are merged: read it with FINAL.
CREATE TABLE IF NOT EXISTS {STARTS} (
{columns}
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time) -- an INSERT over more than 100 partitions is refused, and days would reach that soon
PRIMARY KEY (time, session)
ORDER BY (time, {", ".join(COLUMNS.values())})
SETTINGS allow_nullable_key = 1"""


def _daily_table() -> str:
    columns = "\n".join(f"    {name} LowCardinality(String)," for name in _DAILY_DIMENSIONS)
    return f"""\
-- The starts of each day, for years: read it with FINAL, and add up `starts`. A later count replaces the earlier one.
CREATE TABLE IF NOT EXISTS {DAILY} (
    day Date,
{columns}
    starts UInt64,
    counted_at DateTime('UTC')
)
ENGINE = ReplacingMergeTree(counted_at)
PARTITION BY toYYYYMM(day)
ORDER BY (day, {", ".join(_DAILY_DIMENSIONS)})"""


def _daily_view() -> str:
    dimensions = ",\n".join(f"    {SQL[name]} AS {_counted(name)}" for name in _DAILY_DIMENSIONS)
    named = ",\n".join(f"    {_counted(name)} AS {name}" for name in _DAILY_DIMENSIONS)
    return f"""\
-- Counts the last days again each hour, and everything when the table is empty. Needs ClickHouse 24.10 or newer.
CREATE MATERIALIZED VIEW IF NOT EXISTS {DAILY}_view REFRESH EVERY 1 HOUR APPEND TO {DAILY} AS
SELECT
    day,
{named},
    count(*) AS starts,
    now('UTC') AS counted_at
FROM (
SELECT
    CAST(time AS DATE) AS day,
{dimensions}
FROM (
    SELECT * FROM {STARTS} FINAL
    WHERE time >= (
        SELECT toDateTime(greatest(max(day), toDate('2022-01-01')) - {_LATE_DAYS}, 'UTC') FROM {DAILY}
    )
    ORDER BY time, {", ".join(COLUMNS.values())}
    LIMIT 1 BY session
)
)
GROUP BY day, {", ".join(map(_counted, _DAILY_DIMENSIONS))}"""


def _counted(dimension: str) -> str:
    # Not the name of a column: an alias would hide it.
    return f"counted_{dimension}"


def _view(signal: str) -> str:
    return f"""\
CREATE MATERIALIZED VIEW IF NOT EXISTS {STARTS}_from_{signal} TO {STARTS} AS
{_select(signal)}"""


def _history(signal: str) -> str:
    return f"""\
-- What was stored before the view was there.
INSERT INTO {STARTS} (time, {", ".join(COLUMNS.values())})
{_select(signal)}"""


def _select(signal: str) -> str:
    """Return the query that makes starts of a table of the Collector's."""
    stored = ",\n".join(f"            {_stored(name)} AS {column}" for name, column in COLUMNS.items())
    return starts_of(
        f"""\
        SELECT
            toDateTime64(Timestamp, 0, 'UTC') AS time, -- in whole seconds, as the sender cuts it
            toJSONString(ResourceAttributes) AS resource,
            toJSONString({_SOURCES[signal]}) AS event,
{stored}
        FROM otel_{signal}
        WHERE ServiceName = '{_SERVICE}'"""
    )


def starts_of(stored: str) -> str:
    """Return the query that makes starts of stored texts, each judged by the schema.

    Args:
        stored: a query of the time and of each column's text, NULL where it is missing.
    """
    values = ",\n".join(
        f"        {judged(name, f'stored.{column}', CLICKHOUSE)} AS {column}" for name, column in COLUMNS.items()
    )
    kept = {column: f"judged.{column}" for column in COLUMNS.values()} | {"helper_version": helper_version("judged.")}
    columns = ",\n".join(f"    {value} AS {column}" for column, value in kept.items())
    return f"""\
SELECT
    judged.time AS time,
{columns}
FROM (
    SELECT
        stored.time AS time,
{values}
    FROM (
{stored}
    ) AS stored
    WHERE {plausible("stored.time", CLICKHOUSE)} AND stored.{COLUMNS[_RUN_MODE]} IS NOT NULL
) AS judged
WHERE {required("judged.")}"""


def _stored(name: str) -> str:
    """Return the text that is stored of an attribute: in a map its name is one key, in JSON its parts are keys."""
    attributes = "resource" if name in OF_RESOURCE else "event"
    parts = ", ".join(map(CLICKHOUSE.literal, name.split(".")))
    keys = (CLICKHOUSE.literal(name), parts)
    found = (f"JSONExtract({attributes}, {key}, 'Nullable(String)')" for key in keys)
    return f"coalesce({', '.join(found)})"
