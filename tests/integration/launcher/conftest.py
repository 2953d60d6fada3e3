"""Fixtures for the launcher: a backend that never answers, and a skip where inherited state is not visible."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.launcher import procfs
from tests.support.black_hole import black_hole
from tests.support.default_signals import default_signals  # noqa: F401  a fixture
from tests.support.fake_tbot import WAITS, shell_script

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def tbot(tmp_path: Path) -> Path:
    """Return a tbot that reports its version, and runs until it reads a line."""
    return shell_script(tmp_path, WAITS)


@pytest.fixture(name="black_hole")
def _black_hole() -> Iterator[str]:
    with black_hole() as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def _needs_proc() -> None:
    if not procfs.PROC.joinpath("self", "status").exists():
        pytest.skip("only Linux shows what a process has inherited")
