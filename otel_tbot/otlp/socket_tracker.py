"""The sockets of one HTTP session: they can be ended from another thread, and each asks for consent before it sends.

urllib3's pools name the classes of their connections; the classes here are derived from those, so that direct
connections and connections through a proxy or SOCKS are all tracked.
"""

from __future__ import annotations

import http.client
import queue
import socket
import ssl
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from otel_tbot.opt_in import consent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self


class ConsentWithdrawnError(Exception):
    """Consent was withdrawn while the connection was made. The message is the reason."""


class SocketTracker:
    """The open sockets of a session, so that another thread can end a response that never ends.

    Attributes:
        status: the status of the response that is being read; None before its status line was read.
    """

    def __init__(self) -> None:
        """Track nothing yet."""
        self.status: int | None = None
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self._closed = threading.Event()

    @property
    def closed(self) -> bool:
        """Whether `close` was called: then no request may start."""
        return self._closed.is_set()

    def add(self, connected: socket.socket) -> None:
        """Track a socket that was just connected.

        Raises:
            ConsentWithdrawnError: consent has been withdrawn.
        """
        self._sockets.add(connected)
        # `close` first sets the event and then shuts down what is tracked: one of the two sees the other.
        if self.closed:
            connected.shutdown(socket.SHUT_RDWR)
        decision = consent()
        if not decision:
            raise ConsentWithdrawnError(decision.reason)

    def close(self) -> None:
        """Shut down all sockets, including those in use, and every later one."""
        self._closed.set()
        for tracked in list(self._sockets):
            with suppress(OSError):
                tracked.shutdown(socket.SHUT_RDWR)

    def tls_context(self) -> ssl.SSLContext:
        """Return a context that verifies the backend. urllib3's own context writes the keys to SSLKEYLOGFILE."""
        return _TLSContext(self)

    def track(self, pool_classes: Mapping[str, Any]) -> dict[str, Any]:
        """Return pool classes like these, with connections that are tracked.

        Args:
            pool_classes: urllib3's connection pools by scheme.
        """
        return {scheme: self._tracked_pool(pool_class) for scheme, pool_class in pool_classes.items()}

    def _tracked_pool(self, pool_class: Any) -> Any:  # noqa: ANN401  a class made at run time
        tracker = self

        class Response(_FinalResponse):
            def begin(self) -> None:
                try:
                    super().begin()
                finally:
                    if isinstance(self.status, int):
                        tracker.status = self.status

        class Connection(pool_class.ConnectionCls):  # type: ignore[misc]  # known at run time
            response_class = Response
            _sock: socket.socket | None = None

            @property
            def sock(self) -> socket.socket | None:
                return self._sock

            @sock.setter
            def sock(self, connected: socket.socket | None) -> None:
                # Set before requesting a tunnel from a proxy, and again after the TLS handshake.
                self._sock = connected
                if connected is not None:
                    tracker.add(connected)

        class Pool(pool_class):  # type: ignore[misc]  # known at run time
            ConnectionCls = Connection
            QueueCls = _UnusedConnections

        return Pool


class _UnusedConnections:
    """The part of `queue.LifoQueue` that a pool which never blocks needs, without a lock.

    A child process that was forked while another thread held the lock could not exit: urllib3 empties its pools then.
    """

    def __init__(self, maxsize: int) -> None:
        self._maxsize = maxsize
        self._unused: list[Any] = []  # a list's `append` and `pop` need no lock

    def put(self, connection: Any, **_: Any) -> None:  # noqa: ANN401  a connection, or None
        if len(self._unused) >= self._maxsize:
            raise queue.Full
        self._unused.append(connection)

    def get(self, **_: Any) -> Any:  # noqa: ANN401  a connection, or None
        try:
            return self._unused.pop()
        except IndexError:
            raise queue.Empty from None

    def qsize(self) -> int:
        return len(self._unused)


class _TLSContext(ssl.SSLContext):
    """A context that does not start TLS on a socket that `close` has shut down: Python would leave it open."""

    def __new__(cls, _: SocketTracker) -> Self:
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self, tracker: SocketTracker) -> None:
        super().__init__()
        self._tracker = tracker

    def wrap_socket(self, sock: socket.socket, *args: Any, **kwargs: Any) -> ssl.SSLSocket:  # noqa: ANN401  ssl's signature
        if self._tracker.closed:
            raise ConnectionAbortedError
        return super().wrap_socket(sock, *args, **kwargs)


class _FinalResponse(http.client.HTTPResponse):
    """A response without the informational ones before it, of which http.client skips only 100 (RFC 9110, 15.2)."""

    def begin(self) -> None:
        super().begin()
        while 100 < self.status < 200 and self.status != http.HTTPStatus.SWITCHING_PROTOCOLS:  # noqa: PLR2004  the class
            self.headers = None  # type: ignore[assignment]  # without them `begin` reads the next response
            super().begin()
