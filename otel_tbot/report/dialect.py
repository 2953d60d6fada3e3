"""The SQL that differs between the engines. All other SQL is the same for both."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """The syntax of one engine.

    Attributes:
        optional: the format of a type that allows NULL.
        backslash: a backslash within a literal.
        matches: the function that searches a text for a regular expression.
        now: the current time.
    """

    optional: str
    backslash: str
    matches: str
    now: str

    def literal(self, text: str) -> str:
        """Return a text as a literal."""
        return "'" + text.replace("\\", self.backslash).replace("'", "''") + "'"

    def identifier(self, text: str) -> str:
        """Return a text as the name of a database, table or column."""
        return '"' + text.replace("\\", self.backslash).replace('"', '""') + '"'

    def cast(self, value: str, to: str) -> str:
        """Return a value as another type, or NULL if it is NULL."""
        return f"CAST({value} AS {self.optional.format(to)})"


DUCKDB = Dialect(optional="{}", backslash="\\", matches="regexp_matches", now="now()::TIMESTAMP")
CLICKHOUSE = Dialect(optional="Nullable({})", backslash="\\\\", matches="match", now="now()")
