"""The words that differ between the engines. Every other word of the SQL is the same for both."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """What an engine spells in its own way.

    Attributes:
        optional: a type whose values may be NULL.
        backslash: a backslash within a literal.
        now: the current time.
    """

    optional: str
    backslash: str
    now: str

    def literal(self, text: str) -> str:
        """Return a text as a literal."""
        return "'" + text.replace("\\", self.backslash).replace("'", "''") + "'"

    def cast(self, value: str, to: str) -> str:
        """Return a value as another type, or NULL if it is NULL."""
        return f"CAST({value} AS {self.optional.format(to)})"


DUCKDB = Dialect(optional="{}", backslash="\\", now="now()::TIMESTAMP")
CLICKHOUSE = Dialect(optional="Nullable({})", backslash="\\\\", now="now()")
