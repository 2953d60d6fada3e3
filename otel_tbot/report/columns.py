"""The columns of a start, in every engine, and which rows are starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_tbot.report.validation_sql import validated_number, validated_text
from otel_tbot.schema.constants import EVENT_ATTRIBUTES, RESOURCE_ATTRIBUTES

if TYPE_CHECKING:
    from otel_tbot.report.dialect import Dialect

# The column of each attribute, in the order of the table.
COLUMNS = {
    "session.id": "session",
    "os.type": "os",
    "host.arch": "arch",
    **{row.name: row.field for row in EVENT_ATTRIBUTES},
}
ATTRIBUTES = {row.name: row for row in (*RESOURCE_ATTRIBUTES, *EVENT_ATTRIBUTES)}
RESOURCE_NAMES = {row.name for row in RESOURCE_ATTRIBUTES}
COUNTERS = tuple(column for name, column in COLUMNS.items() if ATTRIBUTES[name].type == "int")

_OLDEST = "2022-01-01"  # tbot did not exist before


def is_start(prefix: str = "") -> str:
    """Return the condition that a row is a start; `prefix` comes before its columns."""
    return " AND ".join(f"{prefix}{column} IS NOT NULL" for column in ("session", "run_mode", *COUNTERS))


def helper_version(prefix: str = "") -> str:
    """Return the version of a row's helper, or NULL without a helper; `prefix` comes before its columns."""
    return f"CASE WHEN {prefix}helper IS NOT NULL THEN {prefix}helper_version END"


def validated(name: str, text: str, dialect: Dialect) -> str:
    """Return the expression that validates a stored text for its column.

    Args:
        name: the name of the attribute.
        text: an expression for the stored text; NULL is missing.
        dialect: the engine's SQL.
    """
    row = ATTRIBUTES[name]
    if row.type == "int":
        return validated_number(row, text, dialect)
    value = validated_text(row, text, dialect)
    return dialect.cast(value, "UUID") if COLUMNS[name] == "session" else value


def is_possible_time(time: str, dialect: Dialect) -> str:
    """Return the condition that an event can have happened at a time."""
    return f"{time} >= '{_OLDEST}' AND {time} <= {dialect.now} + INTERVAL 1 DAY"
