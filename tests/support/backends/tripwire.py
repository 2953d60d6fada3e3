"""A socket that listens where nothing may connect, and knows whether something did."""

from __future__ import annotations

import select
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self


class TripwireSocket:
    """A listening socket on a free port of loopback that never accepts.

    Attributes:
        address: its host and port.
        endpoint: its URL.
    """

    def __init__(self) -> None:
        """Listen on a free port."""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.endpoint = f"http://{self.address}"

    def __enter__(self) -> Self:
        """Return the listening socket."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self._socket.close()

    @property
    def was_connected(self) -> bool:
        """Whether a connection was ever made: the system completes it and keeps it in the backlog."""
        return bool(select.select([self._socket], [], [], 0)[0])
