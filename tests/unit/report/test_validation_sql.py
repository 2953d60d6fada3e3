"""The SQL validates a stored value exactly like the sender validates its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from otel_tbot.errors import InvalidEventError
from otel_tbot.report.dialect import DUCKDB
from otel_tbot.report.validation_sql import validated_number, validated_text
from otel_tbot.schema.constants import EVENT_ATTRIBUTES, RESOURCE_ATTRIBUTES

if TYPE_CHECKING:
    from otel_tbot.schema.attribute import Attribute

ROWS = {row.name: row for row in (*EVENT_ATTRIBUTES, *RESOURCE_ATTRIBUTES)}
TEXTS = [row for row in ROWS.values() if row.type == "string"]
NUMBERS = [row for row in ROWS.values() if row.type == "int"]
CONNECTION = duckdb.connect()
NEAR = [
    "18.2.3",
    "v18.2.3",
    "vv1",
    "18.2.3-rc.1",
    "18.2.3-dev.x",
    "1.2.3.4",
    "007",
    "gha:a/b",
    "gha:a",
    "GHA:a",
    "linux",
]


def judged_by_sql(row: Attribute, text: str | None) -> object:
    """Return the SQL's result for one stored value."""
    validated = validated_text if row.type == "string" else validated_number
    query = f"SELECT {validated(row, 'stored', DUCKDB)} FROM (SELECT ?::VARCHAR AS stored)"  # noqa: S608  of the schema's texts
    (value,) = CONNECTION.execute(query, [text]).fetchone() or (None,)
    return value


def judged_by_sender(row: Attribute, value: object) -> object:
    """Return the sender's result for a value; None for an error, too."""
    try:
        return row.validate(value)
    except InvalidEventError:
        return None


@pytest.mark.parametrize("row", TEXTS, ids=lambda row: row.name)
@settings(max_examples=30, deadline=None)
@given(text=st.one_of(st.sampled_from(NEAR), st.text(max_size=70), st.text("v0123456789.-+rcdev:/a", max_size=70)))
@example(text="")
@example(text="18.2.3\n")
@example(text="18.2.3\n4")
@example(text="18.2.3é")
@example(text="gha:" + "a" * 60)
@example(text="gha:" + "a" * 61)
def test_texts(row: Attribute, text: str) -> None:
    """A string is kept, truncated, replaced or left out as the schema says."""
    assert judged_by_sql(row, text) == judged_by_sender(row, text)


@pytest.mark.parametrize("row", TEXTS, ids=lambda row: row.name)
def test_allowed_values(row: Attribute) -> None:
    """Every value of a closed set stays, and a missing one stays missing."""
    assert [judged_by_sql(row, value) for value in row.values] == [*row.values]
    assert judged_by_sql(row, None) is None


@pytest.mark.parametrize("row", NUMBERS, ids=lambda row: row.name)
@settings(max_examples=30, deadline=None)
@given(number=st.integers(min_value=-(2**63), max_value=2**63 - 1))
@example(number=0)
@example(number=2**31 - 1)
@example(number=2**31)
def test_numbers(row: Attribute, number: int) -> None:
    """A number is kept, limited or rejected as the schema says."""
    assert judged_by_sql(row, str(number)) == judged_by_sender(row, number)


@pytest.mark.parametrize("text", ["", "1.5", "1e3", " 1", "+1", "x"])
def test_not_a_number(text: str) -> None:
    """A string that is not a whole number is rejected; a missing number is 0."""
    assert judged_by_sql(NUMBERS[0], text) is None
    assert judged_by_sql(NUMBERS[0], None) == 0
