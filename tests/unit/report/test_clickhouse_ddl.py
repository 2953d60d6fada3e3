"""The statements for ClickHouse are derived from the schema, and the script consists of them."""

from __future__ import annotations

import re

import pytest

from otel_tbot.report.clickhouse_ddl import script, statements
from otel_tbot.report.columns import COLUMNS
from otel_tbot.report.dialect import CLICKHOUSE, DUCKDB
from otel_tbot.schema.constants import EVENT_ATTRIBUTES


def test_script() -> None:
    """The script contains the statements, each ended by a semicolon."""
    assert all(f"{statement};\n" in script() for statement in statements())
    assert script().count(";\n") == len(statements())


def test_repeatable() -> None:
    """Each statement can be run again: it creates what is missing, or inserts rows that merge with existing ones."""
    kinds = {re.sub(r"^--.*\n", "", statement).split(" tbot_")[0] for statement in statements()}
    made = {"CREATE TABLE IF NOT EXISTS", "CREATE MATERIALIZED VIEW IF NOT EXISTS"}
    assert kinds == {*made, "INSERT INTO"}


def test_columns_of_the_collector() -> None:
    """Only columns that exist in every layout of the Collector's tables are used."""
    capitals = set(re.findall(r"\b[A-Z][a-z]+[A-Z][A-Za-z]+\b", "".join(statements()[3:])))
    columns = {"ServiceName", "ResourceAttributes", "LogAttributes", "SpanAttributes"}
    types = {"DateTime64", "UInt64", "JSONExtract", "Nullable"}
    assert capitals - types <= columns
    assert columns <= capitals


def test_every_attribute() -> None:
    """Every attribute of the event is a column, and is read by both of its possible names."""
    view = statements()[3]
    for row in EVENT_ATTRIBUTES:
        assert f"JSONExtract(event, '{row.name}', " in view
        assert f"JSONExtract(event, 'tbot', '{row.field}', " in view
        assert f"    {COLUMNS[row.name]} " in statements()[0]


@pytest.mark.parametrize(
    ("text", "in_duckdb", "in_clickhouse"),
    [("a", "'a'", "'a'"), ("it's", "'it''s'", "'it''s'"), (r"\A", r"'\A'", r"'\\A'"), ("", "''", "''")],
)
def test_literals(text: str, in_duckdb: str, in_clickhouse: str) -> None:
    """A backslash in a literal is literal in DuckDB, and begins an escape in ClickHouse."""
    assert (DUCKDB.literal(text), CLICKHOUSE.literal(text)) == (in_duckdb, in_clickhouse)
