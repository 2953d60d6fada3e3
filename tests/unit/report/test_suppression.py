"""Small numbers are hidden, and so are numbers that would reveal them."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_tbot.report.suppression import Sum, suppress, worked_out

LIMIT = 5
NUMBERS = st.integers(min_value=0, max_value=12)


def one_sum(counts: dict[str, int]) -> list[Sum[str]]:
    """Return the sum of all cells, which is shown."""
    return [Sum(None, tuple(counts))]


@pytest.mark.parametrize(
    ("counts", "hidden"),
    [
        ({"a": 9, "b": 7}, set()),
        ({"a": 9, "b": 0}, set()),
        ({"a": 9, "b": 7, "c": 1}, {"b", "c"}),
        ({"a": 9, "b": 3, "c": 3}, {"b", "c"}),
        ({"a": 9, "b": 1, "c": 1}, {"a", "b", "c"}),
        ({"a": 3, "b": 0}, {"a", "b"}),
    ],
)
def test_one_sum(counts: dict[str, int], hidden: set[str]) -> None:
    """The smallest further numbers are hidden until each small one could be as large as the limit."""
    assert suppress(counts, one_sum(counts), LIMIT) == hidden


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from("abcdef"), NUMBERS, min_size=1))
def test_every_small_number_could_be_large(counts: dict[str, int]) -> None:
    """For each small number there is another solution with the same sum in which it is not small."""
    hidden = suppress(counts, one_sum(counts), LIMIT)
    small = {cell for cell, count in counts.items() if 0 < count < LIMIT}
    assert small <= hidden
    if not small or hidden == set(counts):
        return  # there is nothing to protect, or nothing left to protect it with
    together = sum(counts[cell] for cell in hidden)
    for _ in small:
        others = sum(1 for cell in hidden if counts[cell]) - 1
        assert together - others >= LIMIT


@settings(deadline=None, max_examples=50)
@given(st.lists(NUMBERS, min_size=9, max_size=9))
def test_a_table_with_two_margins(numbers: list[int]) -> None:
    """No small number of a table can be derived from the visible rows, columns and sums."""
    cells = list(product("abc", "xyz"))
    counts: dict[object, int] = dict(zip(cells, numbers, strict=True))
    sums: list[Sum[object]] = []
    for side, names in enumerate(("abc", "xyz")):
        for name in names:
            members = tuple(cell for cell in cells if cell[side] == name)
            counts[name] = sum(counts[cell] for cell in members)
            sums.append(Sum(name, members))
        sums.append(Sum(None, tuple(names)))
    hidden = suppress(counts, sums, LIMIT)
    if sum(numbers) >= 2 * LIMIT:
        assert not worked_out(counts, sums, hidden, LIMIT) or len([one for one in counts.values() if one]) <= 6


def test_sum_of_a_hidden_part() -> None:
    """A release is hidden along with its only version, because either reveals the other."""
    counts = {"18.2": 20, "18.2.0": 20, "19.0": 1, "19.0.0": 1, "17.0": 30, "17.0.0": 30}
    parts = [Sum(release, (f"{release}.0",)) for release in ("18.2", "19.0", "17.0")]
    totals = [Sum(None, ("18.2", "19.0", "17.0")), Sum(None, ("18.2.0", "19.0.0", "17.0.0"))]
    assert suppress(counts, [*parts, *totals], LIMIT) == {"18.2", "18.2.0", "19.0", "19.0.0"}


def test_derived_number() -> None:
    """Two sums that share their unknown numbers can reveal one of them."""
    counts = {"a": 1, "b": 9, "c": 9}
    sums = [Sum(None, ("a", "b", "c")), Sum(None, ("b", "c"))]
    assert worked_out(counts, sums, {"a", "b", "c"}, LIMIT) == {"a"}
