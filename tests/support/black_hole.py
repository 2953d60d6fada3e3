"""A backend that neither answers nor refuses: a listening socket with a full backlog."""

from __future__ import annotations

import socket
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENOUGH_TO_FILL_IT = 4  # connections: Linux accepts one more than the backlog


@contextmanager
def black_hole() -> Iterator[int]:
    """Yield a port of loopback to which no connection can be established."""
    with ExitStack() as sockets:
        server = sockets.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        address: Any = server.getsockname()
        for _ in range(_ENOUGH_TO_FILL_IT):
            filler = sockets.enter_context(socket.socket())
            filler.setblocking(False)  # noqa: FBT003  takes no keyword
            filler.connect_ex(address)
        yield address[1]
