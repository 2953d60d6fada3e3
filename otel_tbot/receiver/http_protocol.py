"""One HTTP connection, with the limits that uvicorn lacks: how many there are, and how long and how much each may take.

uvicorn closes an idle connection after a response. Without these limits it would keep forever a connection that never
sends anything, sends its headers byte by byte, goes on after a body, pipelines without end or never reads a response.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from otel_tbot.receiver.request_limits import HEADERS_TIMEOUT, MAX_PIPELINED, RequestLimits

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

RESPONSE_READ_TIMEOUT = 5.0  # seconds in which a peer must read what was written to it
HANDSHAKE_TIMEOUT = 5.0  # seconds for TLS; asyncio's own limit is 60


class OpenConnections:
    """The connections of one server, the oldest first.

    Those in their TLS handshake are only limited by the number of open files.

    At the limit, the oldest connection without a complete request in progress is closed for a new one, so no client can
    block the others. If there is none, a few more are accepted: each gets the response that there are too many, and
    health checks are answered.
    """

    def __init__(self, limit: int, *, extra: int = 0, per_address: int | None = None) -> None:
        """Start without connections.

        Args:
            limit: how many may be open before one is closed for a new one.
            extra: how many more are accepted if none can be closed.
            per_address: how many may be open from one address; None for no limit.
        """
        self.limit = limit
        self.maximum = limit + extra
        self._per_address = per_address
        self._open: dict[LimitedHttpProtocol, str] = {}

    @property
    def over_limit(self) -> bool:
        """Whether more are open than the limit."""
        return len(self._open) > self.limit

    def accept(self, connection: LimitedHttpProtocol, address: str) -> bool:
        """Count a connection and return True, or return False if there are too many."""
        if self._per_address is not None and list(self._open.values()).count(address) >= self._per_address:
            return False
        if len(self._open) >= self.limit:
            self._make_room()
        if len(self._open) >= self.maximum:
            return False
        self._open[connection] = address
        return True

    def release(self, connection: LimitedHttpProtocol) -> None:
        """Stop counting a connection."""
        self._open.pop(connection, None)

    def _make_room(self) -> None:
        oldest = next((connection for connection in self._open if not connection.has_complete_request), None)
        if oldest is not None:
            oldest.abort()


def protocol_factory(connections: OpenConnections) -> Callable[..., LimitedHttpProtocol]:
    """Return the factory that uvicorn calls for each connection.

    Args:
        connections: counts them.
    """
    return partial(LimitedHttpProtocol, connections)


class LimitedHttpProtocol(HttpToolsProtocol):
    """A connection whose headers must arrive soon, and whose requests are limited."""

    def __init__(self, connections: OpenConnections, *args: Any, **keywords: Any) -> None:  # noqa: ANN401  uvicorn's
        """Create the protocol of one connection.

        Args:
            connections: counts it.
            args: the arguments of uvicorn.
            keywords: the keywords of uvicorn.
        """
        super().__init__(*args, **keywords)
        self._connections = connections
        self._limits = RequestLimits()
        self._headers_timer: asyncio.TimerHandle | None = None
        self._read_timer: asyncio.TimerHandle | None = None
        self._answering: RequestResponseCycle | None = None
        self._started = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Start, or abort if too many are open."""
        peer = transport.get_extra_info("peername")
        if not self._connections.accept(self, peer[0] if isinstance(peer, tuple) else ""):
            transport.abort()
            return
        self._started = True
        super().connection_made(transport)
        self._start_headers_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Release what the connection held."""
        self._stop_headers_timer()
        self._connections.release(self)
        if self._started:
            self.resume_writing()
            super().connection_lost(exc)
            self._notify_application()

    def data_received(self, data: bytes) -> None:
        """Parse, and abort if the connection exceeds a limit."""
        self._limits.before_parsing(len(data))
        super().data_received(data)
        if self._limits.after_parsing(len(data), response_complete=_is_answered(self.cycle)):
            self._start_headers_timer()
        if self._limits.exceeded:
            self.abort()

    def on_message_begin(self) -> None:
        """Note that headers begin."""
        if len(self.pipeline) >= MAX_PIPELINED:
            self.abort()  # a response would be mistaken for that to an earlier request
            raise OverflowError  # ends the parser
        super().on_message_begin()
        self._limits.request_began()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; a trailer after the body is ignored."""
        if self._limits.in_headers:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Leave the rest to the timeout of the request."""
        upgrade = self.parser.should_upgrade()
        if upgrade and self.parser.get_method() not in {b"GET", b"HEAD"}:
            raise NotImplementedError  # the parser would skip the body
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (not hosts and self.parser.get_http_version() == "1.1"):
            raise LookupError  # RFC 9112, section 3.2
        self._limits.headers_complete()
        self._stop_headers_timer()
        super().on_headers_complete()
        if upgrade:
            self.cycle.keep_alive = False  # the parser would not find a further request
        if self._answering is None or self._answering.response_complete:
            self._answering = self.cycle

    def on_body(self, body: bytes) -> None:
        """Accept a part of the body."""
        self._limits.body_received(len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Expect the next request."""
        super().on_message_complete()
        self._limits.request_complete()

    def pause_writing(self) -> None:
        """Start the time in which the peer must read."""
        super().pause_writing()
        self._read_timer = self.loop.call_later(RESPONSE_READ_TIMEOUT, self.abort)

    def resume_writing(self) -> None:
        """Stop that time: the peer has read."""
        if self._read_timer is not None:
            self._read_timer.cancel()
            self._read_timer = None
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Reject what is not HTTP."""
        if not self.transport.is_closing():
            super().send_400_response(msg)
            self._abort_if_not_read()

    def on_response_complete(self) -> None:
        """Continue with the next request, or close."""
        self._answering = self.pipeline[-1][0] if self.pipeline else None
        super().on_response_complete()
        self._abort_if_not_read()

    def shutdown(self) -> None:
        """Close when the server stops, after the current response at the latest."""
        super().shutdown()
        self._abort_if_not_read()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection."""
        super().timeout_keep_alive_handler()
        self._abort_if_not_read()

    def _abort_if_not_read(self) -> None:
        """Keep a closing connection from waiting forever for its peer to read."""
        if self.transport.is_closing():
            self.loop.call_later(RESPONSE_READ_TIMEOUT, self.transport.abort)

    def _start_headers_timer(self) -> None:
        self._limits.start_waiting_for_headers()
        self._headers_timer = self.loop.call_later(HEADERS_TIMEOUT, self.abort)

    def _stop_headers_timer(self) -> None:
        self._limits.stop_waiting_for_headers()
        if self._headers_timer is not None:
            self._headers_timer.cancel()
            self._headers_timer = None

    @property
    def has_complete_request(self) -> bool:
        """Whether a request was received as a whole and not answered yet."""
        return self._limits.between_requests and not _is_answered(self.cycle)

    def abort(self) -> None:
        """Close at once."""
        self._connections.release(self)
        self._notify_application()
        self.transport.abort()

    def _notify_application(self) -> None:
        """Report the disconnect to the request being answered; uvicorn reports it to the latest request only."""
        if self._answering is not None:
            self._answering.disconnected = True
            self._answering.message_event.set()


def _is_answered(cycle: RequestResponseCycle | None) -> bool:
    return cycle is not None and bool(cycle.response_complete)


class EventLoop(uvloop.Loop):
    """uvloop with a limit on the time of TLS handshakes, which uvicorn does not set."""

    async def create_server(self, *args: Any, ssl: Any = None, **keywords: Any) -> Any:  # noqa: ANN401  the loop's interface
        """Listen."""
        if ssl is not None:
            keywords["ssl_handshake_timeout"] = HANDSHAKE_TIMEOUT
        return await super().create_server(*args, ssl=ssl, **keywords)
