"""SQL that reads OTLP/JSON lines into one row per record, validated against the schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_tbot.report.columns import ATTRIBUTES, COLUMNS, RESOURCE_NAMES, validated
from otel_tbot.report.dialect import DUCKDB
from otel_tbot.report.sources import PARQUET
from otel_tbot.schema.constants import EVENT_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from otel_tbot.report.sources import Source

# Every value is read as text: one of another type must not make its whole line unreadable.
_ATTRIBUTES = "STRUCT(key VARCHAR, value STRUCT(stringValue VARCHAR, intValue VARCHAR))[]"
_RECORDS = (
    "STRUCT(timeUnixNano VARCHAR, startTimeUnixNano VARCHAR, eventName VARCHAR, name VARCHAR, "
    f"attributes {_ATTRIBUTES})[]"
)
_REQUEST = (
    f"STRUCT(resource STRUCT(attributes {_ATTRIBUTES}), scopeLogs STRUCT(logRecords {_RECORDS})[], "
    f"scopeSpans STRUCT(spans {_RECORDS})[])[]"
)
# In whole seconds, as the sender truncates it.
_TIME = "make_timestamp(try_cast(nanoseconds AS BIGINT) // 1000000000 * 1000000)"
_LINE = f"""{{
    resourceLogs: '{_REQUEST}', resourceSpans: '{_REQUEST}', resourceMetrics: 'JSON', resourceProfiles: 'JSON'
}}"""


def load_lines(sources: Sequence[Source], *, longest_line: int) -> str:
    """Return the statement that reads JSON lines into the table `records`.

    Its rows are the records named `tbot.start`, and one with `unreadable` for each line that is not OTLP/JSON. A
    required value that the schema rejects is NULL.

    Args:
        sources: files of JSON lines, at least one.
        longest_line: the length of the longest line, in bytes.
    """
    return f"""
CREATE TEMP TABLE records AS
WITH lines AS (
{_union(_read(sources, longest_line))}
), resources AS (
    SELECT unnest(CASE
        WHEN resourceLogs IS NOT NULL THEN resourceLogs
        WHEN resourceSpans IS NOT NULL THEN resourceSpans
        WHEN resourceMetrics IS NULL AND resourceProfiles IS NULL THEN [NULL]
    END) AS part
    FROM lines
), named AS (
    SELECT part IS NULL AS unreadable, part.resource.attributes AS resource, unnest(CASE
        WHEN part IS NULL THEN [NULL]
        WHEN part.scopeLogs IS NOT NULL THEN flatten(list_transform(part.scopeLogs, lambda scope: scope.logRecords))
        ELSE flatten(list_transform(part.scopeSpans, lambda scope: scope.spans))
    END) AS record
    FROM resources
), keys AS (
    SELECT
        unreadable,
        coalesce(record.timeUnixNano, record.startTimeUnixNano) AS nanoseconds,
        resource,
        list_transform(resource, lambda attribute: attribute.key) AS resource_keys,
        record.attributes AS event,
        list_transform(record.attributes, lambda attribute: attribute.key) AS event_keys
    FROM named
    WHERE unreadable OR record.eventName = '{EVENT_NAME}' OR record.name = '{EVENT_NAME}'
), columns AS (
    SELECT unreadable, nanoseconds, {", ".join(_stored())}
    FROM keys
)
SELECT unreadable, {_TIME} AS time, {", ".join(_validated())}
FROM columns
"""


def _read(sources: Sequence[Source], longest_line: int) -> Iterator[str]:
    for kind in sorted({source.kind for source in sources}):
        paths = ", ".join(DUCKDB.literal(str(source.path)) for source in sources if source.kind == kind)
        yield (
            f"    SELECT * FROM read_json([{paths}], format = 'newline_delimited', compression = '{kind}', "
            f"ignore_errors = true, maximum_object_size = {longest_line}, columns = {_LINE})"
        )


def _stored() -> Iterator[str]:
    for name, column in COLUMNS.items():
        attributes = "resource" if name in RESOURCE_NAMES else "event"
        is_text = ATTRIBUTES[name].type == "string"
        key = DUCKDB.literal(name)
        field = "stringValue" if is_text else "intValue"
        found = f"{attributes}[list_position({attributes}_keys, {key})].value.{field}"
        if not is_text:
            # A counter of another type is invalid rather than missing.
            found = f"CASE WHEN list_contains({attributes}_keys, {key}) THEN coalesce({found}, '') END"
        yield f"{found} AS {column}"


def _validated() -> Iterator[str]:
    for name, column in COLUMNS.items():
        yield f"{validated(name, column, DUCKDB)} AS {column}"


def load_starts(sources: Iterable[Source]) -> str:
    """Return the statement that adds the starts of Parquet files, as `report` writes them, to the table `records`."""
    paths = ", ".join(DUCKDB.literal(str(source.path)) for source in sources if source.kind == PARQUET)
    columns = ", ".join(COLUMNS.values())
    return f"INSERT INTO records SELECT false, date_trunc('second', time), {columns} FROM read_parquet([{paths}])"


def _union(parts: Iterable[str]) -> str:
    return "\n    UNION ALL\n".join(parts)
