"""SQL that judges a stored value as the sender judges its own: generated from the schema's rows.

A text that the schema does not allow is replaced by what the row says. Each function returns an expression; none holds
a text of the events'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otel_tbot.report.dialect import Dialect
    from otel_tbot.schema.attribute import Attribute

# The sender's (?![0-9A-Za-z]), which is no part of the engines' regular expressions.
_BOUNDARY = r"(?:[^0-9A-Za-z]|\z)"
_END = r"\z"
_WHOLE_NUMBER = r"\A([0-9]{1,19})\z"


def judged_text(row: Attribute, text: str, dialect: Dialect) -> str:
    """Return the text that the schema makes of a stored one; NULL leaves the attribute out, or is invalid if required.

    Args:
        row: the schema's row of the attribute.
        text: a column with the stored texts.
        dialect: the engine's.
    """
    value = text
    if row.prefix:
        rest = f"substr({text}, {len(row.prefix) + 1})"
        value = f"(CASE WHEN {text} LIKE {dialect.literal(row.prefix + '%')} THEN {rest} ELSE {text} END)"
    other = "NULL" if row.on_invalid != "_OTHER" else dialect.literal(row.on_invalid)
    allowed = _allowed(row, value, dialect)
    return f"CASE WHEN coalesce({value}, '') = '' THEN NULL ELSE coalesce({allowed}, {other}) END"


def _allowed(row: Attribute, value: str, dialect: Dialect) -> str:
    """Return what may be kept of a text, or NULL."""
    if row.values:
        return f"CASE WHEN {value} IN ({', '.join(map(dialect.literal, row.values))}) THEN {value} END"
    pattern = dialect.literal(rf"\A({row.pattern}){_BOUNDARY if row.drop_rest else _END}")
    found = f"nullif(regexp_extract({value}, {pattern}, 1), '')"
    return f"CASE WHEN length({value}) <= {row.max_length} THEN {found} END" if row.max_length else found


def judged_number(row: Attribute, text: str, dialect: Dialect) -> str:
    """Return the number that the schema makes of a stored one, or NULL if it is invalid; a missing one is 0.

    Args:
        row: the schema's row of the attribute.
        text: a column with the stored numbers as texts, as OTLP/JSON has them.
        dialect: the engine's.
    """
    whole = f"nullif(regexp_extract({text}, {dialect.literal(_WHOLE_NUMBER)}, 1), '')"
    number = dialect.cast(f"least({dialect.cast(whole, 'UInt64')}, {row.maximum})", "INTEGER")
    # Engines and their releases differ in what the least of a number and NULL is.
    return f"CASE WHEN {text} IS NULL THEN 0 WHEN {whole} IS NOT NULL THEN {number} END"
