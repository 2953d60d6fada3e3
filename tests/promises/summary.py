"""A pytest plugin that ends a run with a table: each promise, how many tests and cases prove it, and the result.

`make promises` loads it by `-p tests.promises.summary`. A case is one call of a test: one row of its table of cases.
The text of a promise is the first line of its module.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pytest

_FOLDER = Path(__file__).parent
# What a report counts as; the worst of a module's is its result. None of them: it did not run.
_RESULTS = ("error", "failed", "xpassed", "xfailed", "skipped", "passed")


class Row(NamedTuple):
    """What is known of one promise.

    Attributes:
        promise: its words.
        tests: the number of its test functions.
        cases: how often they were called.
        result: the worst that came of it.
    """

    promise: str
    tests: int
    cases: int
    result: str


def rows(folder: Path, results: Mapping[str, Sequence[str]]) -> Iterator[Row]:
    """Return a row for each promise, those that did not run too.

    Args:
        folder: where the modules lie, one for each promise.
        results: for each of `_RESULTS`, the ids of the cases with it.
    """
    for module in sorted(folder.glob("test_*.py")):
        of_module = {
            result: {case for case in results.get(result, ()) if Path(case.partition("::")[0]).name == module.name}
            for result in _RESULTS
        }
        # What has no name behind the module's is the module itself: it could not be loaded.
        cases = {case for found in of_module.values() for case in found if "::" in case}
        tests = {case.partition("[")[0] for case in cases}
        worst = next((result for result in _RESULTS if of_module[result]), "not run")
        yield Row(_first_line(module), len(tests), len(cases), worst)


def _first_line(module: Path) -> str:
    docstring = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or module.stem
    return docstring.partition("\n")[0]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table. With pytest-xdist too: the reports of all workers arrive here."""
    stats = terminalreporter.stats
    results = {
        result: [report.nodeid for report in stats.get(result, ()) if hasattr(report, "nodeid")] for result in _RESULTS
    }
    found = list(rows(_FOLDER, results))
    terminalreporter.section("promises")
    terminalreporter.write_line(f"{'tests':>5} {'cases':>6}  {'result':<8} promise")
    for row in found:
        terminalreporter.write_line(f"{row.tests:>5} {row.cases:>6}  {row.result:<8} {row.promise}")
    tests, cases = sum(row.tests for row in found), sum(row.cases for row in found)
    terminalreporter.write_line(f"{tests:>5} {cases:>6}  {'':<8} together")
