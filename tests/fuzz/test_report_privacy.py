"""No number below the limit is shown or can be derived, in any output format without charts."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

pytest.importorskip("duckdb", reason="report needs its extra")

from hypothesis import given, settings
from hypothesis import strategies as st

from otel_tbot.report.compute import compute_figures
from otel_tbot.report.dimensions import DIMENSIONS, os_and_arch, release_of
from otel_tbot.report.duckdb_store import read_starts
from otel_tbot.report.figures import RUN_MODES, Figures
from otel_tbot.report.formats.csv_format import render_csv
from otel_tbot.report.formats.json_format import document
from otel_tbot.report.formats.markdown_format import render_markdown
from otel_tbot.report.formats.phrases import NOT_SHOWN
from otel_tbot.report.formats.text_format import print_text
from otel_tbot.report.store import Period
from tests.support.stored_starts import line

AT_LEAST = 10
# A report takes longer than any other property of this folder.
EXAMPLES = max(1, settings().max_examples // 3)

# Kinds of starts, each with how often it occurs: from one to a few more than the limit.
KINDS = st.lists(
    st.tuples(
        st.sampled_from(RUN_MODES),
        st.sampled_from(["18.2.3", "18.2.0", "18.2.0-dev", "17.1.0", "19.0.0", "19.0.1", ""]),
        st.sampled_from(["github", "iam", "token", "tpm", ""]),
        st.sampled_from(["linux", "darwin", ""]),
        st.sampled_from(["amd64", "arm64", "x86"]),
        st.integers(min_value=0, max_value=4),
        st.sampled_from([1, 2, 3, 7, 9, 10, 11, 12, 25, 60]),
    ),
    min_size=1,
    max_size=14,
)


def figures_of(kinds: list[tuple[Any, ...]], *limits: int) -> list[Figures]:
    """Compute the figures of the given numbers of starts of each kind, with each limit."""
    content = b"".join(
        line(
            run_mode=mode,
            version=version,
            join_type=join_type,
            resource={"os.type": system, "host.arch": arch},
            destinations_database=databases,
        )
        for mode, version, join_type, system, arch, databases, number in kinds
        for _ in range(number)
    )
    with TemporaryDirectory() as folder:
        file = Path(folder) / "starts.jsonl"
        file.write_bytes(content)
        with read_starts([str(file)], period=Period(), memory="200MB", threads=1) as starts:
            return [compute_figures(starts, at_least=limit, supported_majors=2) for limit in limits]


def shown(figures: Figures, dimension: str, mode: str) -> dict[str, int | None]:
    """Return the numbers of a table for one run mode."""
    return {row.value: row.starts[mode] for row in figures.tables[dimension].rows}


@pytest.mark.timeout(180)  # seconds; each example is reported with and without suppression
@settings(max_examples=EXAMPLES)
@given(KINDS)
def test_nothing_small(kinds: list[tuple[Any, ...]]) -> None:
    """A number below the limit is neither in a table nor the difference between a sum and its visible parts."""
    figures, truth = figures_of(kinds, AT_LEAST, 1)
    for mode in RUN_MODES:
        total = truth.starts[mode]
        assert figures.starts[mode] == (None if 0 < (total or 0) < AT_LEAST else total)
        if figures.starts[mode] is None:
            assert_nothing_of(figures, mode)
        for dimension in DIMENSIONS:
            values, real = shown(figures, dimension, mode), shown(truth, dimension, mode)
            assert all(number is None or number == real[value] for value, number in values.items())
            assert not [number for number in values.values() if number and number < AT_LEAST]
            if figures.starts[mode] is not None and dimension != "run_mode":
                assert_protected(figures.starts[mode] or 0, values, real, figures.tables[dimension].suppressed)
        for coarse, fine, part in (
            ("release", "version", release_of),
            ("os", "platform", lambda value: os_and_arch(value)[0]),
            ("arch", "platform", lambda value: os_and_arch(value)[1]),
        ):
            for whole, number in shown(figures, coarse, mode).items():
                if number is None:
                    continue
                real = {value: count for value, count in shown(truth, fine, mode).items() if part(value) == whole}
                values = {value: count for value, count in shown(figures, fine, mode).items() if value in real}
                assert_protected(number, values, real, len(real) - len(values))


def assert_nothing_of(figures: Figures, mode: str) -> None:
    """If a run mode has too few starts, nothing reveals their number."""
    numbers = [row.starts[mode] for table in figures.tables.values() for row in table.rows]
    numbers += [table.suppressed_starts[mode] for table in figures.tables.values()]
    assert not any(numbers)
    assert figures.median_day[mode] is None
    trends = (figures.releases, figures.join_methods, figures.old_releases)
    assert mode not in {entry.run_mode for entries in trends for entry in entries}
    assert mode not in {run_mode for _, run_mode, _ in figures.per_day}
    assert not any(entry.shares for entry in figures.destinations if entry.run_mode == mode)
    if mode == "daemon":
        assert (figures.per_hour, figures.bursts) == ((), ())
    else:
        assert not any(average for *_, average in figures.hours_of_week)


def assert_protected(total: int, values: dict[str, int | None], real: dict[str, int | None], unnamed: int) -> None:
    """The hidden part of a sum may be one large number, that of one unnamed value, or that of several values."""
    missing = [value for value, number in values.items() if number is None]
    small = [value for value in missing if 0 < (real[value] or 0) < AT_LEAST]
    if not small:
        return
    assert len(missing) + unnamed > 1
    if total >= AT_LEAST:
        together = total - sum(number or 0 for number in values.values())
        assert together >= AT_LEAST


@settings(max_examples=EXAMPLES)
@given(KINDS)
def test_forms_show_the_figures_only(kinds: list[tuple[Any, ...]]) -> None:
    """Every number of starts in every format is one of the figures: none is computed from suppressed ones."""
    (figures,) = figures_of(kinds, AT_LEAST)
    numbers = {number for table in figures.tables.values() for row in table.rows for number in row.starts.values()}
    numbers |= {number for table in figures.tables.values() for number in table.suppressed_starts.values()}
    tables = document(figures, DIMENSIONS)["tables"]
    assert {row[mode] for table in tables.values() for row in table["rows"] for mode in RUN_MODES} <= numbers
    rows = csv.DictReader(io.StringIO(render_csv(figures, DIMENSIONS)))
    assert {int(row["starts"]) if row["starts"] else None for row in rows} <= numbers
    plain = io.StringIO()
    print_text(figures, DIMENSIONS, plain, limit=1000)
    totals = {*figures.starts.values(), *figures.median_day.values()}
    for text, pattern in (
        (render_markdown(figures, DIMENSIONS), r"\| ([\d,]+) \|"),
        (plain.getvalue(), r"\s(\d+)\s+[\d.]+%"),
    ):
        assert {int(found.replace(",", "")) for found in re.findall(pattern, text)} <= numbers | totals


def test_three_events_of_one_hour() -> None:
    """A report of three starts names no value, and does not show their number."""
    (figures,) = figures_of([("one-shot", "18.2.3", "github", "linux", "amd64", 1, 3)], AT_LEAST)
    assert figures.starts == {"one-shot": None, "daemon": 0}
    assert not any(table.rows for table in figures.tables.values())
    assert_nothing_of(figures, "one-shot")
    text = json.dumps(document(figures, DIMENSIONS)) + render_csv(figures, DIMENSIONS)
    assert Counter(name in text for name in ("18.2", "github", "linux", "amd64")) == {False: 4}


def test_few_starts_of_one_run_mode() -> None:
    """A run mode with too few starts is hidden, and the other one is not affected."""
    many = ("one-shot", "18.2.3", "github", "linux", "amd64", 1, 60)
    few = ("daemon", "18.2.3", "github", "linux", "amd64", 1, 3)
    (figures,) = figures_of([many, few], AT_LEAST)
    assert figures.starts == {"one-shot": 60, "daemon": None}
    for dimension in ("version", "join_type", "platform"):
        (row,) = figures.tables[dimension].rows
        assert row.starts == {"one-shot": 60, "daemon": None}


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_forms_hide_a_run_mode(form: str) -> None:
    """The formats that show totals have a dash in place of small ones."""
    (figures,) = figures_of([("daemon", "18.2.3", "github", "linux", "amd64", 1, 3)], AT_LEAST)
    if form == "text":
        plain = io.StringIO()
        print_text(figures, DIMENSIONS, plain, limit=1000)
        lines = [line.split() for line in plain.getvalue().splitlines()]
    else:
        lines = [line.replace("|", " ").split() for line in render_markdown(figures, DIMENSIONS).splitlines()]
    assert ["starts", "0", NOT_SHOWN] in lines
    assert ["on", "a", "usual", "day", "0", NOT_SHOWN] in lines


@pytest.mark.parametrize("at_least", [1, 2, 5])
def test_limit(at_least: int) -> None:
    """The limit itself is shown; 1 shows everything."""
    kinds = [("one-shot", "18.2.3", "github", "linux", "amd64", 0, at_least)]
    (figures,) = figures_of(kinds, at_least)
    assert shown(figures, "version", "one-shot") == {"18.2.3": at_least}
