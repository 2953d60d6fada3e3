"""Servers on loopback that record every byte between a client and a backend: a plain relay and a forward proxy.

They record the request line, the headers, the HTTP/2 frames and the TLS handshake as they were sent: no library of the
client's or the backend's processes them first.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.support.collector import wait_until

if TYPE_CHECKING:
    from typing_extensions import Self

_CHUNK = 65536  # bytes
_END_OF_HEADERS = b"\r\n\r\n"


class Connection:
    """A relayed connection, with a thread for each direction.

    Attributes:
        sent: all bytes from the client.
        closed: whether the client has closed it, so that `sent` is complete.
    """

    def __init__(self, client: socket.socket, backend: socket.socket) -> None:
        """Relay both directions until both ends have closed."""
        self.sent = bytearray()
        self.closed = False
        self._sockets = (client, backend)
        self._threads = [
            threading.Thread(target=self._forward, args=(client, backend)),
            threading.Thread(target=_copy, args=(backend, client)),
        ]
        for thread in self._threads:
            thread.start()

    def _forward(self, client: socket.socket, backend: socket.socket) -> None:
        _copy(client, backend, self.sent)
        self.closed = True

    def close(self) -> None:
        """Shut both sockets down and wait for the threads."""
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for one in self._sockets:
            one.close()


class _Listener:
    """A server on a free port of loopback; a subclass connects each client to its backend.

    Attributes:
        address: its host and port.
        connections: all connections so far.
    """

    def __init__(self) -> None:
        """Bind the port."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections: list[Connection] = []
        self._accepting = threading.Thread(target=self._accept)

    def __enter__(self) -> Self:
        """Start accepting connections."""
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close the listener and all connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread in accept()
        self._listener.close()
        self._accepting.join()
        for connection in self.connections:
            connection.close()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener is closed
            while True:
                client, _ = self._listener.accept()
                backend = self._connect(client)
                if backend is None:
                    client.close()
                else:
                    self.connections.append(Connection(client, backend))

    def _connect(self, client: socket.socket) -> socket.socket | None:
        """Return a connection to the backend that the client wants; None if it has closed without a request."""
        raise NotImplementedError


class Relay(_Listener):
    """A relay to one backend, which passes all bytes on unchanged.

    Attributes:
        endpoint: the relay's URL, to be used instead of the backend's.
    """

    def __init__(self, backend: str) -> None:
        """Bind the port; `backend` is the backend's URL."""
        super().__init__()
        url = urlsplit(backend)
        assert url.port
        self._backend = (url.hostname, url.port)
        self.endpoint = f"{url.scheme}://{self.address}"

    def _connect(self, client: socket.socket) -> socket.socket:
        del client
        return socket.create_connection(self._backend)

    def sent(self) -> list[bytes]:
        """Wait until the clients have closed their connections, and return all bytes that each of them sent."""
        wait_until(lambda: self.connections and all(one.closed for one in self.connections), "all clients have closed")
        return [bytes(one.sent) for one in self.connections]


class ForwardProxy(_Listener):
    """A forward proxy that accepts every client: tunnels (RFC 9110, CONNECT) and plain requests.

    Attributes:
        heads: the request line and headers with which each connection began.
    """

    def __init__(self) -> None:
        """Bind the port."""
        super().__init__()
        self.heads: list[bytes] = []

    def _connect(self, client: socket.socket) -> socket.socket | None:
        received = b""
        while _END_OF_HEADERS not in received:
            chunk = client.recv(_CHUNK)
            if not chunk:
                return None
            received += chunk
        head, _, rest = received.partition(_END_OF_HEADERS)
        self.heads.append(head)
        method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        url = urlsplit(f"//{target}" if method == "CONNECT" else target)
        assert url.port
        backend = socket.create_connection((url.hostname, url.port))
        if method == "CONNECT":
            client.sendall(b"HTTP/1.1 200 OK" + _END_OF_HEADERS)
        else:
            kept = [line for line in head.split(b"\r\n")[1:] if not line.lower().startswith(b"proxy-")]
            backend.sendall(b"\r\n".join([f"{method} {url.path} HTTP/1.1".encode(), *kept]) + _END_OF_HEADERS)
        backend.sendall(rest)
        return backend


def _copy(source: socket.socket, target: socket.socket, record: bytearray | None = None) -> None:
    with suppress(OSError):
        while chunk := source.recv(_CHUNK):
            if record is not None:
                record += chunk
            target.sendall(chunk)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
