"""One HTTP connection, with the limits that uvicorn lacks: how many there are, and how long and how much each may take.

uvicorn closes an idle connection after a response. Without these limits it would keep forever a connection that never
sends anything, sends its headers byte by byte, goes on after a body, pipelines without end or never reads a response.
"""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass
class OpenConnections:
    """The connections of one server.

    Attributes:
        maximum: how many may be open; a further one is closed before it is read. Connections in their TLS handshake
            are limited by the open files alone.
        count: how many are open.
    """

    maximum: int
    count: int = 0


def protocol_factory(connections: OpenConnections) -> Callable[..., LimitedHttpProtocol]:
    """Return what uvicorn calls for each connection.

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
            args: uvicorn's.
            keywords: uvicorn's.
        """
        super().__init__(*args, **keywords)
        self._connections = connections
        self._limits = RequestLimits()
        self._headers_timer: asyncio.TimerHandle | None = None
        self._read_timer: asyncio.TimerHandle | None = None
        self._answering: RequestResponseCycle | None = None
        self._counted = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Begin, or abort where too many are open."""
        if self._connections.count >= self._connections.maximum:
            transport.abort()
            return
        self._counted = True
        self._connections.count += 1
        super().connection_made(transport)
        self._start_headers_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Release what the connection held."""
        self._stop_headers_timer()
        if self._counted:
            self.resume_writing()
            self._connections.count -= 1
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
            self.abort()  # a response would be taken for that to an earlier request
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
        self._limits.headers_complete()
        self._stop_headers_timer()
        super().on_headers_complete()
        if upgrade:
            self.cycle.keep_alive = False  # the parser would not find a further request either
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
        """Refuse what is not HTTP."""
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

    def abort(self) -> None:
        """Close at once."""
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

    async def create_server(self, *args: Any, ssl: Any = None, **keywords: Any) -> Any:  # noqa: ANN401  the loop's own
        """Listen."""
        if ssl is not None:
            keywords["ssl_handshake_timeout"] = HANDSHAKE_TIMEOUT
        return await super().create_server(*args, ssl=ssl, **keywords)
