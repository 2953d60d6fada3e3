"""The columns of a start, in every engine, and which rows are starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_tbot.report.validation_sql import judged_number, judged_text
from otel_tbot.schema.constants import EVENT_ATTRIBUTES, RESOURCE_ATTRIBUTES

if TYPE_CHECKING:
    from otel_tbot.report.dialect import Dialect

# A column of a start, by the name of its attribute. The order is that of the table.
COLUMNS = {
    "session.id": "session",
    "os.type": "os",
    "host.arch": "arch",
    **{row.name: row.field for row in EVENT_ATTRIBUTES},
}
ATTRIBUTES = {row.name: row for row in (*RESOURCE_ATTRIBUTES, *EVENT_ATTRIBUTES)}
OF_RESOURCE = {row.name for row in RESOURCE_ATTRIBUTES}
COUNTERS = tuple(column for name, column in COLUMNS.items() if ATTRIBUTES[name].type == "int")

_OLDEST = "2022-01-01"  # tbot is not older


def required(of: str = "") -> str:
    """Return the condition that a row is a start; `of` is the prefix of its columns."""
    return " AND ".join(f"{of}{column} IS NOT NULL" for column in ("session", "run_mode", *COUNTERS))


def helper_version(of: str = "") -> str:
    """Return the version of a row's helper, which says nothing without one; `of` is the prefix of its columns."""
    return f"CASE WHEN {of}helper IS NOT NULL THEN {of}helper_version END"


def judged(name: str, text: str, dialect: Dialect) -> str:
    """Return the value of a column that the schema makes of a stored text.

    Args:
        name: the name of the attribute.
        text: an expression of the stored text; NULL is missing.
        dialect: the engine's.
    """
    row = ATTRIBUTES[name]
    if row.type == "int":
        return judged_number(row, text, dialect)
    value = judged_text(row, text, dialect)
    return dialect.cast(value, "UUID") if COLUMNS[name] == "session" else value


def plausible(time: str, dialect: Dialect) -> str:
    """Return the condition that an event can have happened then."""
    return f"{time} >= '{_OLDEST}' AND {time} <= {dialect.now} + INTERVAL 1 DAY"
