"""TCP servers on loopback with faults below the protocol; each connection has a thread of its own."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from typing_extensions import Self

# Serves one connection. Has to return when the event is set or the connection is shut down.
Handler: TypeAlias = "Callable[[socket.socket, threading.Event], None]"

DRIP_SECONDS = 0.02  # between two pieces; far below every timeout of a test, so that no single read times out
_POLL_SECONDS = 0.02  # interval at which the accepting thread checks whether to stop


class Loopback:
    """A TCP server on a free port.

    Attributes:
        connections: the number of accepted connections.
    """

    def __init__(self, handle: Handler, *, host: str = "127.0.0.1") -> None:
        """Bind the port; `handle` is called with each connection."""
        self._handle = handle
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family, backlog=64)
        self._listener.settimeout(_POLL_SECONDS)
        self._stopping = threading.Event()
        self._open: dict[threading.Thread, socket.socket] = {}
        self._accepting = threading.Thread(target=self._accept, name="loopback", daemon=True)
        self.connections = 0

    @property
    def port(self) -> int:
        """The port."""
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        """Start accepting connections."""
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close all connections and end all threads."""
        self._stopping.set()
        self._accepting.join()
        self._listener.close()
        for connection in self._open.values():
            with suppress(OSError):  # already closed
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in self._open:
            thread.join()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                connection, _ = self._listener.accept()
                connection.settimeout(None)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.connections += 1
                thread = threading.Thread(target=self._serve, args=(connection,), name="loopback", daemon=True)
                self._open[thread] = connection
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError, EOFError), connection:  # the client closed the connection, which most faults cause
            self._handle(connection, self._stopping)


def silent(_: socket.socket, stopping: threading.Event) -> None:
    """Send nothing."""
    stopping.wait()


def reset(connection: socket.socket) -> None:
    """Close a connection with a reset, which discards unsent and unread data."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def reset_at_once(connection: socket.socket, _: threading.Event) -> None:
    """Reset a connection within the request."""
    connection.recv(1)
    reset(connection)


def send_slowly(data: Iterable[bytes], connection: socket.socket, stopping: threading.Event) -> None:
    """Send piece by piece, with a pause after each."""
    for piece in data:
        connection.sendall(piece)
        if stopping.wait(DRIP_SECONDS):
            return


def send_forever(data: bytes, connection: socket.socket, stopping: threading.Event) -> None:
    """Send the same data without end, as fast as the client reads it."""
    while not stopping.is_set():
        connection.sendall(data)


def forwarding_to(port: int, answer: tuple[bytes, bytes] = (b"", b"")) -> Handler:
    """Return a handler that forwards both directions to a port of 127.0.0.1.

    Args:
        port: the port.
        answer: the first bytes of the answer, and their replacement.
    """

    def forward(connection: socket.socket, _: threading.Event) -> None:
        with socket.create_connection(("127.0.0.1", port)) as target:
            back = threading.Thread(target=_copy, args=(target, connection, *answer), name="loopback", daemon=True)
            back.start()
            _copy(connection, target)
            back.join()

    return forward


def _copy(source: socket.socket, target: socket.socket, prefix: bytes = b"", replacement: bytes = b"") -> None:
    with suppress(OSError):
        if prefix and (data := source.recv(len(prefix), socket.MSG_WAITALL)):
            target.sendall(replacement if data == prefix else data)
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):  # closing one side closes both
        target.shutdown(socket.SHUT_RDWR)


@contextmanager
def closed_port(host: str = "127.0.0.1") -> Iterator[int]:
    """Yield a port that refuses connections: bound, so that no other process gets it, but not listening."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as bound:
        bound.bind((host, 0))
        yield bound.getsockname()[1]


def has_ipv6() -> bool:
    """Return whether this machine has the IPv6 loopback address."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
