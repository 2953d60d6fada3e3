"""SQL that judges a stored value as the sender judges its own: generated from the schema's rows.

A text that the schema does not allow is replaced by what the row says. Each function returns an expression; none holds
a text of the events'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otel_tbot.schema.attribute import Attribute

# The sender's (?![0-9A-Za-z]), which is no part of the engine's regular expressions. `s`: a line break is a character.
_START = r"\A"
_BOUNDARY = r"(?:[^0-9A-Za-z]|\z)"


def quoted(text: str) -> str:
    """Return a text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def judged_text(row: Attribute, text: str) -> str:
    """Return the text that the schema makes of a stored one; NULL leaves the attribute out, or is invalid if required.

    Args:
        row: the schema's row of the attribute.
        text: a column with the stored texts.
    """
    value = text
    if row.prefix:
        rest = f"substr({text}, {len(row.prefix) + 1})"
        value = f"(CASE WHEN starts_with({text}, {quoted(row.prefix)}) THEN {rest} ELSE {text} END)"
    other = "NULL" if row.on_invalid != "_OTHER" else quoted(row.on_invalid)
    return f"CASE WHEN coalesce({value}, '') = '' THEN NULL ELSE coalesce({_allowed(row, value)}, {other}) END"


def _allowed(row: Attribute, value: str) -> str:
    """Return what may be kept of a text, or NULL."""
    if row.values:
        return f"CASE WHEN {value} IN ({', '.join(map(quoted, row.values))}) THEN {value} END"
    if row.drop_rest:
        kept = f"nullif(regexp_extract({value}, {quoted(rf'{_START}({row.pattern}){_BOUNDARY}')}, 1, 's'), '')"
    else:  # without a group it is faster
        kept = f"CASE WHEN regexp_full_match({value}, {quoted(row.pattern)}, 's') THEN {value} END"
    return f"CASE WHEN length({value}) <= {row.max_length} THEN {kept} END" if row.max_length else kept


def judged_number(row: Attribute, text: str) -> str:
    """Return the number that the schema makes of a stored one, or NULL if it is invalid; a missing one is 0.

    Args:
        row: the schema's row of the attribute.
        text: a column with the stored numbers as texts, as OTLP/JSON has them.
    """
    number = (
        f"CASE WHEN regexp_full_match({text}, '[0-9]{{1,19}}') THEN least({text}::HUGEINT, {row.maximum})::INTEGER END"
    )
    return f"CASE WHEN {text} IS NULL THEN 0 ELSE {number} END"
