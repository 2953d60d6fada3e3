"""The HTTP server's sockets and threads. All are tracked, so that `stop()` can end them while clients are connected."""

from __future__ import annotations

import socket
from contextlib import suppress
from functools import partial
from socketserver import TCPServer
from threading import Lock, Thread, current_thread
from typing import TYPE_CHECKING, Any

from otel_tbot.testing.http_handler import HTTPHandler

if TYPE_CHECKING:
    import ssl

    from otel_tbot.testing.inbox import Inbox

# How often the accepting thread wakes up, and so how long stop() may have to wait for it.
_POLL_SECONDS = 0.02


class HTTPServer(TCPServer):
    """Serves OTLP/HTTP on a free port of 127.0.0.1, with one thread for each connection.

    Not `http.server.HTTPServer`, which asks DNS for the host's name when it binds, nor `ThreadingHTTPServer`, which
    forgets its daemon threads.

    """

    request_queue_size = 128  # a burst of clients should be accepted, not refused

    def __init__(self, inbox: Inbox, *, tls: ssl.SSLContext | None, max_body_bytes: int) -> None:
        """Bind the port.

        Args:
            inbox: where requests are stored.
            tls: the context for TLS; None for plain HTTP.
            max_body_bytes: the largest body that is accepted, compressed or not.
        """
        handler = partial(HTTPHandler, inbox=inbox, max_body_bytes=max_body_bytes)
        super().__init__(("127.0.0.1", 0), handler)
        self._inbox = inbox
        self._tls = tls
        self._lock = Lock()
        # The connection of each thread; None once the thread closes it.
        self._connections: dict[Thread, socket.socket | None] = {}
        self._accepting = Thread(
            target=self.serve_forever, args=(_POLL_SECONDS,), name="otlp-receiver-http", daemon=True
        )

    @property
    def port(self) -> int:
        """The port."""
        return int(self.server_address[1])

    def start(self) -> None:
        """Start to accept connections."""
        self._accepting.start()

    def stop(self) -> None:
        """End all connections and threads, and free the port."""
        self.shutdown()
        self._accepting.join()
        with self._lock:
            threads = list(self._connections)
            for connection in filter(None, self._connections.values()):
                _break(connection)
        for thread in threads:
            thread.join()
        self.server_close()

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection. The connection's thread does the TLS handshake, because a client may be slow."""
        connection, address = super().get_request()
        self._inbox.count_connection()
        if self._tls is not None:
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  typeshed's are private
        """Serve a connection in a separate thread."""
        thread = Thread(target=self._serve, args=(request, client_address), name="otlp-receiver-http", daemon=True)
        with self._lock:
            # `stop()` has nothing to do for threads that have ended.
            self._connections = {one: kept for one, kept in self._connections.items() if one.is_alive()}
            self._connections[thread] = request
        thread.start()

    def _serve(self, connection: socket.socket, address: object) -> None:
        """Serve a connection to its end."""
        try:
            self.finish_request(connection, address)
        except OSError:
            pass  # the client disconnected or failed the TLS handshake, which a test may want
        finally:
            with self._lock:
                self._connections[current_thread()] = None
            self.shutdown_request(connection)


def _break(connection: socket.socket) -> None:
    """Shut a connection down while another thread uses it."""
    with suppress(OSError):  # the client may have closed it
        # The base class's method, because that of a TLS socket changes state that the other thread uses.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
