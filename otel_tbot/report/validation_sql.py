"""SQL that validates a stored value as the sender validates its own, generated from the schema's rows.

A text that the schema does not allow is replaced as its row says. Each function returns an expression, without any text
from the events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otel_tbot.report.dialect import Dialect
    from otel_tbot.schema.attribute import Attribute

# The sender uses (?![0-9A-Za-z]), which the engines' regular expressions do not have.
_BOUNDARY = r"(?:[^0-9A-Za-z]|\z)"
_WHOLE_NUMBER = "[0-9]{1,19}"


def validated_text(row: Attribute, text: str, dialect: Dialect) -> str:
    """Return a stored text as the schema allows it; NULL leaves the attribute out, or is invalid if it is required.

    Args:
        row: the schema's row of the attribute.
        text: a column with the stored texts.
        dialect: the engine's SQL.
    """
    value = text
    if row.prefix:
        rest = f"substr({text}, {len(row.prefix) + 1})"
        value = f"(CASE WHEN {text} LIKE {dialect.literal(row.prefix + '%')} THEN {rest} ELSE {text} END)"
    other = "NULL" if row.on_invalid != "_OTHER" else dialect.literal(row.on_invalid)
    allowed = _allowed(row, value, dialect)
    return f"CASE WHEN coalesce({value}, '') = '' THEN NULL ELSE coalesce({allowed}, {other}) END"


def _allowed(row: Attribute, value: str, dialect: Dialect) -> str:
    """Return the allowed part of a text, or NULL."""
    if row.values:
        return f"CASE WHEN {value} IN ({', '.join(map(dialect.literal, row.values))}) THEN {value} END"
    if row.drop_rest:
        pattern = dialect.literal(rf"\A({row.pattern}){_BOUNDARY}")
        found = f"nullif(regexp_extract({value}, {pattern}, 1), '')"
    else:
        found = _full_match(value, row.pattern, dialect)
    return f"CASE WHEN length({value}) <= {row.max_length} THEN {found} END" if row.max_length else found


def _full_match(value: str, pattern: str, dialect: Dialect) -> str:
    """Return a text if all of it matches, or NULL. Without a group, this is faster than extracting it."""
    whole = dialect.literal(rf"\A({pattern})\z")
    return f"CASE WHEN {dialect.matches}({value}, {whole}) THEN {value} END"


def validated_number(row: Attribute, text: str, dialect: Dialect) -> str:
    """Return a stored number as the schema allows it, or NULL if it is invalid; a missing one is 0.

    Args:
        row: the schema's row of the attribute.
        text: a column with the stored numbers as texts, as OTLP/JSON has them.
        dialect: the engine's SQL.
    """
    whole = _full_match(text, _WHOLE_NUMBER, dialect)
    number = dialect.cast(f"least({dialect.cast(whole, 'UInt64')}, {row.maximum})", "INTEGER")
    # Engines and their releases differ in what least() returns for a number and NULL.
    return f"CASE WHEN {text} IS NULL THEN 0 WHEN {whole} IS NOT NULL THEN {number} END"
