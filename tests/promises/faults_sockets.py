"""Servers on loopback that break below the protocol: real sockets, each connection in a thread of its own."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from typing_extensions import Self

# What a server does with one connection. It has to end when the event is set, or the connection is shut down.
Handler: TypeAlias = "Callable[[socket.socket, threading.Event], None]"

DRIP_SECONDS = 0.02  # between two bytes; far below any timeout that a test sets, so that none of the reads runs out
_POLL_SECONDS = 0.02  # how often the accepting thread looks whether it is to end


class Loopback:
    """A TCP server on a free port.

    Attributes:
        connections: how many have been accepted.
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
        """Begin to accept connections."""
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End all connections and threads."""
        self._stopping.set()
        self._accepting.join()
        self._listener.close()
        for connection in self._open.values():
            with suppress(OSError):  # it was ended already
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
        with suppress(OSError, EOFError), connection:  # the client went away: it may, and most faults make it
            self._handle(connection, self._stopping)


def silent(_: socket.socket, stopping: threading.Event) -> None:
    """Accept a connection, and say nothing."""
    stopping.wait()


def reset(connection: socket.socket) -> None:
    """End a connection by a reset: what is not yet sent or read is thrown away."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def reset_at_once(connection: socket.socket, _: threading.Event) -> None:
    """Reset a connection in the middle of the request."""
    connection.recv(1)
    reset(connection)


def dripping(data: Iterable[bytes], connection: socket.socket, stopping: threading.Event) -> None:
    """Send piece by piece, with a pause after each."""
    for piece in data:
        connection.sendall(piece)
        if stopping.wait(DRIP_SECONDS):
            return


def endlessly(data: bytes, connection: socket.socket, stopping: threading.Event) -> None:
    """Send the same forever, as fast as the client takes it."""
    while not stopping.is_set():
        connection.sendall(data)


def forwarding_to(port: int, answer: tuple[bytes, bytes] = (b"", b"")) -> Handler:
    """Return a handler that passes everything on to a port of 127.0.0.1, and back.

    Args:
        port: the port.
        answer: how the answer begins, and how it is to begin.
    """

    def forward(connection: socket.socket, _: threading.Event) -> None:
        with socket.create_connection(("127.0.0.1", port)) as behind:
            back = threading.Thread(target=_copy, args=(behind, connection, *answer), name="loopback", daemon=True)
            back.start()
            _copy(connection, behind)
            back.join()

    return forward


def _copy(source: socket.socket, target: socket.socket, begins: bytes = b"", instead: bytes = b"") -> None:
    with suppress(OSError):
        if begins and (data := source.recv(len(begins), socket.MSG_WAITALL)):
            target.sendall(instead if data == begins else data)
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):  # the end on one side is the end on both
        target.shutdown(socket.SHUT_RDWR)


@contextmanager
def closed_port(host: str = "127.0.0.1") -> Iterator[int]:
    """Give a port that refuses connections: bound, so that no one else gets it, and not listening."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as bound:
        bound.bind((host, 0))
        yield bound.getsockname()[1]


def has_ipv6() -> bool:
    """Tell whether this machine has the IPv6 loopback address."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
