"""SQL that reads OTLP/JSON lines into one row a record, judged by the schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_tbot.report.columns import ATTRIBUTES, COLUMNS, OF_RESOURCE, judged
from otel_tbot.report.dialect import DUCKDB
from otel_tbot.report.sources import PARQUET
from otel_tbot.schema.constants import EVENT_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from otel_tbot.report.sources import Source

# Every text is read as text: a value of another type must not cost the line that it is on.
_ATTRIBUTES = "STRUCT(key VARCHAR, value STRUCT(stringValue VARCHAR, intValue VARCHAR))[]"
_RECORDS = (
    "STRUCT(timeUnixNano VARCHAR, startTimeUnixNano VARCHAR, eventName VARCHAR, name VARCHAR, "
    f"attributes {_ATTRIBUTES})[]"
)
_REQUEST = (
    f"STRUCT(resource STRUCT(attributes {_ATTRIBUTES}), scopeLogs STRUCT(logRecords {_RECORDS})[], "
    f"scopeSpans STRUCT(spans {_RECORDS})[])[]"
)
# In whole seconds, as the sender cuts it.
_TIME = "make_timestamp(try_cast(nanoseconds AS BIGINT) // 1000000000 * 1000000)"
_LINE = f"""{{
    resourceLogs: '{_REQUEST}', resourceSpans: '{_REQUEST}', resourceMetrics: 'JSON', resourceProfiles: 'JSON'
}}"""


def load_lines(sources: Sequence[Source], *, longest_line: int) -> str:
    """Return the statement that makes the table `records` of JSON lines.

    Its rows are the records named `tbot.start`, and one with `unreadable` for each line that is not OTLP/JSON. A
    required value that the schema refuses is NULL.

    Args:
        sources: files of JSON lines, at least one.
        longest_line: bytes of the longest line.
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
), scopes AS (
    SELECT part IS NULL AS unreadable, part.resource.attributes AS resource, unnest(CASE
        WHEN part IS NULL THEN [NULL]
        WHEN part.scopeLogs IS NOT NULL THEN list_transform(part.scopeLogs, lambda scope: scope.logRecords)
        ELSE list_transform(part.scopeSpans, lambda scope: scope.spans)
    END) AS list
    FROM resources
), named AS (
    SELECT unreadable, resource, unnest(CASE WHEN unreadable THEN [NULL] ELSE list END) AS record
    FROM scopes
), texts AS (
    SELECT
        unreadable,
        coalesce(record.timeUnixNano, record.startTimeUnixNano) AS nanoseconds,
        list_transform(resource, lambda attribute: attribute.key) AS resource_keys,
        list_transform(resource, lambda attribute: attribute.value.stringValue) AS resource_texts,
        list_transform(record.attributes, lambda attribute: attribute.key) AS keys,
        list_transform(record.attributes, lambda attribute: attribute.value.stringValue) AS texts,
        list_transform(record.attributes, lambda attribute: attribute.value.intValue) AS numbers
    FROM named
    WHERE unreadable OR record.eventName = '{EVENT_NAME}' OR record.name = '{EVENT_NAME}'
), columns AS (
    SELECT unreadable, nanoseconds, {", ".join(_stored())}
    FROM texts
)
SELECT unreadable, {_TIME} AS time, {", ".join(_judged())}
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
        is_text = ATTRIBUTES[name].type == "string"
        keys = "resource_keys" if name in OF_RESOURCE else "keys"
        values = "resource_texts" if name in OF_RESOURCE else "texts" if is_text else "numbers"
        found = f"{values}[list_position({keys}, {DUCKDB.literal(name)})]"
        if not is_text:
            # A counter of another type is invalid, and not missing.
            found = f"CASE WHEN list_contains({keys}, {DUCKDB.literal(name)}) THEN coalesce({found}, '') END"
        yield f"{found} AS {column}"


def _judged() -> Iterator[str]:
    for name, column in COLUMNS.items():
        yield f"{judged(name, column, DUCKDB)} AS {column}"


def load_starts(sources: Iterable[Source]) -> str:
    """Return the statement that adds the starts of Parquet files, which this command made, to the table `records`."""
    paths = ", ".join(DUCKDB.literal(str(source.path)) for source in sources if source.kind == PARQUET)
    columns = ", ".join(COLUMNS.values())
    return f"INSERT INTO records SELECT false, date_trunc('second', time), {columns} FROM read_parquet([{paths}])"


def _union(parts: Iterable[str]) -> str:
    return "\n    UNION ALL\n".join(parts)
