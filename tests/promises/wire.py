"""The wire: a relay on loopback that keeps every byte, both ways, and passes it on to a backend unchanged.

The request line, headers, HTTP/2 frames and the first bytes of TLS are all there, whoever wrote them: no library of the
sender's or the backend's stands between.
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


class Connection:
    """One connection, as it went.

    Attributes:
        sent: all bytes of the client.
        answered: all bytes of the backend.
        ended: whether the client has closed it, so that nothing more can come.
    """

    def __init__(self, client: socket.socket, backend: socket.socket) -> None:
        """Relay both ways, in a thread each."""
        self.sent = bytearray()
        self.answered = bytearray()
        self.ended = False
        self._sockets = (client, backend)
        self._threads = [
            threading.Thread(target=self._forward, args=(client, backend)),
            threading.Thread(target=self._back, args=(backend, client)),
        ]
        for thread in self._threads:
            thread.start()

    def _forward(self, client: socket.socket, backend: socket.socket) -> None:
        _relay(client, backend, self.sent)
        self.ended = True

    def _back(self, backend: socket.socket, client: socket.socket) -> None:
        _relay(backend, client, self.answered)

    def close(self) -> None:
        """End it."""
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for one in self._sockets:
            one.close()


class Wire:
    """A relay to one backend.

    Attributes:
        connections: all so far.
        endpoint: its own URL, in place of the backend's.
    """

    def __init__(self, backend: str) -> None:
        """Stand before a backend, given by its URL."""
        url = urlsplit(backend)
        assert url.port
        self._backend = (url.hostname, url.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"{url.scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections: list[Connection] = []
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
        for connection in self.connections:
            connection.close()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener is closed
            while True:
                client, _ = self._listener.accept()
                self.connections.append(Connection(client, socket.create_connection(self._backend)))

    def sent(self) -> list[bytes]:
        """Wait until the clients have closed their connections, and return all bytes of each."""
        wait_until(lambda: self.connections and all(one.ended for one in self.connections), "all clients have ended")
        return [bytes(one.sent) for one in self.connections]


def _relay(source: socket.socket, target: socket.socket, kept: bytearray) -> None:
    with suppress(OSError):
        while chunk := source.recv(_CHUNK):
            kept += chunk
            target.sendall(chunk)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


class TripwireSocket:
    """An address that nobody is to come to."""

    def __init__(self) -> None:
        """Listen on a free port."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)  # noqa: FBT003  takes no keyword
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self._listener.close()

    def has_caught(self) -> bool:
        """Tell whether somebody came."""
        try:
            caught, _ = self._listener.accept()
        except BlockingIOError:
            return False
        caught.close()
        return True
