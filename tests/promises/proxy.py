"""A forward proxy on loopback that keeps what it is reported itself: tunnels (RFC 9110, CONNECT) and plain requests."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.promises.wire import Connection

if TYPE_CHECKING:
    from typing_extensions import Self

_END = b"\r\n\r\n"


class Proxy:
    """A proxy that lets everybody through.

    Attributes:
        heads: the first line and the headers that came with each connection.
        address: its host and port.
    """

    def __init__(self) -> None:
        """Listen on a free port."""
        self.heads: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._connections: list[Connection] = []
        self._accepting = threading.Thread(target=self._accept)

    def __enter__(self) -> Self:
        """Begin to accept connections."""
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close everything."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes who waits in accept()
        self._listener.close()
        self._accepting.join()
        for connection in self._connections:
            connection.close()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener is closed
            while True:
                client, _ = self._listener.accept()
                self._connections.append(self._connected(client))

    def _connected(self, client: socket.socket) -> Connection:
        received = b""
        while _END not in received:
            received += client.recv(65536)
        head, _, rest = received.partition(_END)
        self.heads.append(head)
        method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        url = urlsplit(f"//{target}" if method == "CONNECT" else target)
        assert url.port
        backend = socket.create_connection((url.hostname, url.port))
        if method == "CONNECT":
            client.sendall(b"HTTP/1.1 200 OK" + _END)
        else:
            kept = [line for line in head.split(b"\r\n")[1:] if not line.lower().startswith(b"proxy-")]
            backend.sendall(b"\r\n".join([f"{method} {url.path} HTTP/1.1".encode(), *kept]) + _END)
        backend.sendall(rest)
        return Connection(client, backend)
