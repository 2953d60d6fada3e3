"""What tests of the launcher need: backends that never answer, and a system that shows what a process inherits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.launcher import proc
from tests.support.black_hole import black_hole
from tests.support.terminal import signals_as_in_a_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _signals_as_in_a_terminal() -> Iterator[None]:
    with signals_as_in_a_terminal():
        yield


@pytest.fixture(name="black_hole")
def _black_hole() -> Iterator[str]:
    with black_hole() as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def _needs_proc() -> None:
    if not proc.PROC.joinpath("self", "status").exists():
        pytest.skip("only Linux shows what a process has inherited")
