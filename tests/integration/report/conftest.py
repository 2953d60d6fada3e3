"""Reports of generated files."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.program import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# report needs its extra, which does not exist for Python 3.10; the message about that is tested there, too.
collect_ignore_glob = [] if find_spec("duckdb") and find_spec("rich") else ["test_[!r]*.py"]


@pytest.fixture
def report(tmp_path: Path) -> Callable[..., Any]:
    """Report on the content of a file as JSON; stderr must be empty."""

    def reported(content: bytes, *options: str) -> Any:  # noqa: ANN401  JSON
        file = tmp_path / "starts.jsonl"
        file.write_bytes(content)
        ended = run("report", "--format", "json", *options, str(file))
        assert (ended.returncode, ended.stderr) == (0, "")
        return json.loads(ended.stdout)

    return reported
