"""What tests of the launcher need: backends that never answer, and a system that shows what a process inherits."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.launcher import proc
from tests.support.terminal import signals_as_in_a_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _signals_as_in_a_terminal() -> Iterator[None]:
    with signals_as_in_a_terminal():
        yield


@pytest.fixture
def black_hole() -> Iterator[str]:
    """Give the address of a backend to which no connection comes about: its queue is full."""
    with ExitStack() as sockets:
        server = sockets.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            client = sockets.enter_context(socket.socket())
            client.settimeout(0)
            client.connect_ex(server.getsockname())
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def _needs_proc() -> None:
    if not proc.PROC.joinpath("self", "status").exists():
        pytest.skip("only Linux shows what a process has inherited")
