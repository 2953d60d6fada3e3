"""What Python's type stubs say about the package on Windows."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.program import SOURCE

# What Windows never loads, and where it would miss a name.
POSIX_ONLY_FILES = tuple(
    f"otel_tbot/launcher/{name}.py" for name in ("execute", "group_signal_probe", "sender", "supervise")
)


@pytest.mark.timeout(300)  # without a cache, mypy reads all of Python's stubs
def test_types() -> None:
    """No other module uses what Windows does not have, by the account of Python's type stubs."""
    pytest.importorskip("mypy", reason="mypy is for development")
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--platform",
        "win32",
        "--cache-dir",
        ".mypy_cache/win32",
        "-p",
        "otel_tbot",
    ]
    ended = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, timeout=280, check=False)
    # A name or a keyword that is not there; the libraries of extras may be missing here.
    errors = [line for line in ended.stdout.splitlines() if line.endswith(("[attr-defined]", "[call-arg]"))]
    assert {line.partition(":")[0] for line in errors} >= set(
        POSIX_ONLY_FILES
    )  # otherwise it was not asked for Windows
    assert [line for line in errors if not line.startswith(("otel_tbot/receiver/", *POSIX_ONLY_FILES))] == []
