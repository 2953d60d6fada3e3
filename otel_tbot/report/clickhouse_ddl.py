"""The tables and views that keep starts in ClickHouse, next to the tables that the Collector's exporter fills.

Of the exporter's tables, only columns that every release has are used. Attributes are maps or of type JSON; converted
to the text of a JSON object, both are read in the same way.
"""

from __future__ import annotations

from otel_tbot.report.columns import (
    COLUMNS,
    COUNTERS,
    RESOURCE_NAMES,
    helper_version,
    is_possible_time,
    is_start,
    validated,
)
from otel_tbot.report.dialect import CLICKHOUSE
from otel_tbot.report.dimensions import SQL

STARTS = "tbot_starts"
DAILY = "tbot_starts_daily"
_SOURCES = {"logs": "LogAttributes", "traces": "SpanAttributes"}  # tables `otel_...`, and the event's column in each
_SERVICE = "tbot"
_RUN_MODE = "tbot.run_mode"
# Without `release` and `platform`, which are derived from other columns.
_DAILY_DIMENSIONS = ("run_mode", "version", "join_type", "helper", "helper_version", "destinations", "os", "arch")
_LATE_DAYS = 3  # that the daily table counts again each hour

_TYPES = {
    "session": "UUID",
    "run_mode": "LowCardinality(String)",
    **dict.fromkeys(COUNTERS, "UInt32 CODEC(ZSTD(1))"),
}
_TEXT = "LowCardinality(Nullable(String)) CODEC(ZSTD(1))"


def statements() -> tuple[str, ...]:
    """Return, in order, the statements that create the tables and views and read what is already stored."""
    filled = (statement for signal in _SOURCES for statement in (_view(signal), _history(signal)))
    return (_starts_table(), _daily_table(), _daily_view(), *filled)


def script() -> str:
    """Return the statements as a script with comments."""
    return (
        f"""\
-- The starts of tbot in ClickHouse, printed by: otel-tbot schema --format clickhouse
-- Run it in the database that the Collector's exporter fills, after the exporter has created its tables:
--   clickhouse-client --database otel --multiquery < schema.sql
-- It is safe to run again. If one of the Collector's tables is missing, only the last statements fail.
-- To delete starts after a year: ALTER TABLE {STARTS} MODIFY TTL time + INTERVAL 12 MONTH

{"".join(f"{statement};{chr(10)}{chr(10)}" for statement in statements())}""".rstrip()
        + "\n"
    )


def _starts_table() -> str:
    types = {"time": "DateTime('UTC') CODEC(Delta(4), ZSTD(1))", **dict.fromkeys(COLUMNS.values(), _TEXT), **_TYPES}
    columns = ",\n".join(f"    {name} {of_type}" for name, of_type in types.items())
    # Every column is in the sorting key, so that only rows that are equal in every column are merged.
    return f"""\
-- One row per start. Equal deliveries become one row when parts are merged: query it with FINAL.
CREATE TABLE IF NOT EXISTS {STARTS} (
{columns}
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time) -- an INSERT into more than 100 partitions is rejected, and days would soon reach that
PRIMARY KEY (time, session)
ORDER BY (time, {", ".join(COLUMNS.values())})
SETTINGS allow_nullable_key = 1"""


def _daily_table() -> str:
    columns = "\n".join(f"    {name} LowCardinality(String)," for name in _DAILY_DIMENSIONS)
    return f"""\
-- The starts of each day, for years: query it with FINAL, and sum up `starts`. A later count replaces an earlier one.
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
    dimensions = ",\n".join(f"    {SQL[name]} AS {_alias(name)}" for name in _DAILY_DIMENSIONS)
    named = ",\n".join(f"    {_alias(name)} AS {name}" for name in _DAILY_DIMENSIONS)
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
GROUP BY day, {", ".join(map(_alias, _DAILY_DIMENSIONS))}"""


def _alias(dimension: str) -> str:
    # Not the name of the column, which an alias would hide.
    return f"counted_{dimension}"


def _view(signal: str) -> str:
    return f"""\
CREATE MATERIALIZED VIEW IF NOT EXISTS {STARTS}_from_{signal} TO {STARTS} AS
{_select(signal)}"""


def _history(signal: str) -> str:
    return f"""\
-- What was stored before the view existed.
INSERT INTO {STARTS} (time, {", ".join(COLUMNS.values())})
{_select(signal)}"""


def _select(signal: str) -> str:
    """Return the query that reads starts from a table of the Collector."""
    stored = ",\n".join(f"            {_stored(name)} AS {column}" for name, column in COLUMNS.items())
    return select_starts(
        f"""\
        SELECT
            toDateTime64(Timestamp, 0, 'UTC') AS time, -- in whole seconds, as the sender truncates it
            toJSONString(ResourceAttributes) AS resource,
            toJSONString({_SOURCES[signal]}) AS event,
{stored}
        FROM otel_{signal}
        WHERE ServiceName = '{_SERVICE}'"""
    )


def select_starts(stored: str) -> str:
    """Return the query that turns stored texts into starts, each validated against the schema.

    Args:
        stored: a query for the time and each column's text, NULL where it is missing.
    """
    values = ",\n".join(
        f"        {validated(name, f'stored.{column}', CLICKHOUSE)} AS {column}" for name, column in COLUMNS.items()
    )
    kept = {column: f"validated.{column}" for column in COLUMNS.values()} | {
        "helper_version": helper_version("validated.")
    }
    columns = ",\n".join(f"    {value} AS {column}" for column, value in kept.items())
    return f"""\
SELECT
    validated.time AS time,
{columns}
FROM (
    SELECT
        stored.time AS time,
{values}
    FROM (
{stored}
    ) AS stored
    WHERE {is_possible_time("stored.time", CLICKHOUSE)} AND stored.{COLUMNS[_RUN_MODE]} IS NOT NULL
) AS validated
WHERE {is_start("validated.")}"""


def _stored(name: str) -> str:
    """Return the stored text of an attribute: its name is one key of a map, or a path of keys in JSON."""
    attributes = "resource" if name in RESOURCE_NAMES else "event"
    parts = ", ".join(map(CLICKHOUSE.literal, name.split(".")))
    keys = (CLICKHOUSE.literal(name), parts)
    found = (f"JSONExtract({attributes}, {key}, 'Nullable(String)')" for key in keys)
    return f"coalesce({', '.join(found)})"
