"""Reports of generated files."""

from __future__ import annotations

import json
import subprocess
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from otel_tbot.cli.commands import run_command_line
from tests.support.default_signals import default_signals  # noqa: F401  a fixture; a command changes a handler

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    RunHere = Callable[..., subprocess.CompletedProcess[str]]

# report needs its extra, which does not exist for Python 3.10; the message about that is tested there, too.
collect_ignore_glob = [] if find_spec("duckdb") and find_spec("rich") else ["test_[!r]*.py"]


@pytest.fixture
def run_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunHere:
    """Run `otel-tbot` in this process and the test's folder: another process would take longer to load the engine."""
    monkeypatch.chdir(tmp_path)

    def ran(*arguments: str) -> subprocess.CompletedProcess[str]:
        status = run_command_line(arguments)
        output, errors = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, status, output, errors)

    return ran


@pytest.fixture
def report(tmp_path: Path, run_here: RunHere) -> Callable[..., Any]:
    """Report on the content of a file as JSON; stderr must be empty."""

    def reported(content: bytes, *options: str) -> Any:  # noqa: ANN401  JSON
        file = tmp_path / "starts.jsonl"
        file.write_bytes(content)
        ended = run_here("report", "--format", "json", *options, file.name)
        assert (ended.returncode, ended.stderr) == (0, "")
        return json.loads(ended.stdout)

    return reported
