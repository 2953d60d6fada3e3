"""A pytest plugin that ends a run with a table: the tests, cases and result of each promise.

`make promises` loads it by `-p tests.promises.summary`. A case is one call of a test. The text of a promise is the
first line of its module.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pytest

_FOLDER = Path(__file__).parent
# The outcomes of reports, worst first. A module without any did not run.
_RESULTS = ("error", "failed", "xpassed", "xfailed", "skipped", "passed")


class Row(NamedTuple):
    """The row of one promise.

    Attributes:
        promise: its text.
        tests: the number of its test functions.
        cases: the number of calls.
        result: the worst outcome.
    """

    promise: str
    tests: int
    cases: int
    result: str


def rows(folder: Path, results: Mapping[str, Sequence[str]]) -> Iterator[Row]:
    """Yield a row for each promise, also for those that did not run.

    Args:
        folder: the folder of the modules, one for each promise.
        results: for each of `_RESULTS`, the ids of the cases with it.
    """
    for module in sorted(folder.glob("test_*.py")):
        of_module = {
            result: {case for case in results.get(result, ()) if Path(case.partition("::")[0]).name == module.name}
            for result in _RESULTS
        }
        # A report without `::` is about the module itself, which could not be loaded.
        cases = {case for found in of_module.values() for case in found if "::" in case}
        tests = {case.partition("[")[0] for case in cases}
        worst = next((result for result in _RESULTS if of_module[result]), "not run")
        yield Row(_first_line(module), len(tests), len(cases), worst)


def _first_line(module: Path) -> str:
    docstring = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or module.stem
    return docstring.partition("\n")[0]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table; with pytest-xdist, the reports of all workers arrive here."""
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
