"""The requirements of report in addition to the package's, and its messages about missing ones."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.support.program import SOURCE, run

NEW_ENOUGH = sys.version_info >= (3, 11)
PROGRAM = """
import sys
sys.path.insert(0, {source!r})
sys.modules[{package!r}] = None  # makes the import fail
from otel_tbot.cli.commands import run_command_line
sys.exit(run_command_line(["report", "--format", {form!r}, {source_of_starts!r}]))
"""


def without(package: str, form: str, source_of_starts: str = "-") -> subprocess.CompletedProcess[str]:
    """Report in a process that cannot import a package; by default on an empty stdin."""
    program = PROGRAM.format(source=str(SOURCE), package=package, form=form, source_of_starts=source_of_starts)
    command = [sys.executable, "-I", "-c", program]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


@pytest.mark.skipif(not NEW_ENOUGH, reason="the message is about the Python version there")
@pytest.mark.parametrize("package", ["duckdb", "rich"])
def test_missing_extra(package: str) -> None:
    """Without the extra's packages the command says which extra to install."""
    ended = without(package, "json")
    # If nothing of the extra is installed, the first package is named.
    reason = r"report needs packages that are not installed \(\w+\): pip install 'otel-tbot\[report\]'"
    assert (ended.returncode, ended.stdout) == (2, "")
    assert re.fullmatch(f"otel-tbot: {reason}\n", ended.stderr)


@pytest.mark.skipif(not NEW_ENOUGH, reason="the message is about the Python version there")
def test_missing_driver() -> None:
    """Without the driver of a database the command says which extras to install."""
    ended = without("clickhouse_connect", "json", "clickhouse://localhost/otel")
    reason = r"report needs packages that are not installed \(\w+\): pip install 'otel-tbot\[report,clickhouse\]'"
    assert (ended.returncode, ended.stdout) == (2, "")
    assert re.fullmatch(f"otel-tbot: {reason}\n", ended.stderr)


@pytest.mark.skipif(NEW_ENOUGH, reason="this Python is new enough")
def test_old_python() -> None:
    """On Python 3.10, for which the extra does not exist, the command says which Python it needs."""
    ended = run("report", "-")
    reason = "report needs Python 3.11 or newer; every other command works here"
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", f"otel-tbot: {reason}\n")
