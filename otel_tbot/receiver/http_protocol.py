"""One connection, with the bounds that uvicorn leaves open: how many there are, how long and how much each may take.

uvicorn closes an idle connection after an answer. One that never sends anything, sends its headers byte by byte, goes
on behind a body, sends one request on top of another or never reads an answer, it would keep for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio

    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

# DOC: """The event loop: the fast one, with the bound on TLS handshakes that uvicorn leaves open."""


HEADERS_WITHIN = 5.0  # seconds from the connection, or the first byte of the next request, to the end of its headers
ANSWERS_READ_WITHIN = 5.0  # seconds in which a peer must take what was written to it
MAX_UNFINISHED_HEADER_BYTES = 64 * 1024  # more of them in one piece are refused by the application
MAX_FRAMING_BYTES = 64 * 1024  # what comes after the headers of one request and is no body: chunks' sizes, trailers
MAX_PIPELINED = 16  # requests that wait for the one before them


class LimitedHttpProtocol(HttpToolsProtocol):
    """A connection that must send its headers soon, and not too much of anything.

    Attributes:
        most: how many may be open in this process; above that one is closed before it is heard. Those whose TLS
            handshake is under way are bounded by the open files alone.
        open_now: how many are.
    """

    most = 1000
    open_now = 0

    def __init__(self, *args: Any, **keywords: Any) -> None:  # noqa: ANN401  uvicorn's own arguments
        """Belong to a server of uvicorn's."""
        super().__init__(*args, **keywords)
        self._headers_due: asyncio.TimerHandle | None = None
        self._reading_due: asyncio.TimerHandle | None = None
        self._answering: RequestResponseCycle | None = None
        self._unfinished = 0
        self._framing = 0
        self._admitted = False
        self._between_requests = False
        self._begun = False
        self._in_headers = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Begin, or close at once where there are too many."""
        if LimitedHttpProtocol.open_now >= LimitedHttpProtocol.most:
            transport.abort()
            return
        self._admitted = True
        LimitedHttpProtocol.open_now += 1
        super().connection_made(transport)
        self._wait_for_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._stop_waiting()
        if self._admitted:
            self.resume_writing()
            LimitedHttpProtocol.open_now -= 1
            super().connection_lost(exc)
            self._tell_the_application()

    def data_received(self, data: bytes) -> None:
        """Read on."""
        begins, self._begun = self._between_requests, False
        self._framing += len(data)
        super().data_received(data)
        # Empty lines begin no request, and would keep an idle connection open.
        only_empty_lines = begins and not self._begun and self.cycle.response_complete
        if self._headers_due is None and (self._in_headers or only_empty_lines):
            self._wait_for_headers()
        elif self._headers_due is not None:
            self._unfinished += len(data)
        if self._begun or self._between_requests:
            self._framing = 0  # it was another request's, or has come to its end
        if self._unfinished > MAX_UNFINISHED_HEADER_BYTES or self._framing > MAX_FRAMING_BYTES:
            self.cut_off()

    def on_message_begin(self) -> None:
        """Know that headers begin: those that have not come whole get their time."""
        if len(self.pipeline) >= MAX_PIPELINED:
            self.cut_off()  # an answer would be taken for that to an earlier request
            raise OverflowError  # ends the parser
        super().on_message_begin()
        self._begun = self._in_headers = True
        self._between_requests = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; one behind the body is of no use to anybody."""
        if self._in_headers:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Leave the rest to the time-out of the request."""
        upgrade = self.parser.should_upgrade()
        if upgrade and self.parser.get_method() not in {b"GET", b"HEAD"}:
            raise NotImplementedError  # the parser would leave the body out
        self._in_headers = False
        self._stop_waiting()
        super().on_headers_complete()
        if upgrade:
            self.cycle.keep_alive = False  # nor would it know a further request
        if self._answering is None or self._answering.response_complete:
            self._answering = self.cycle

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._framing -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Expect the next request."""
        super().on_message_complete()
        self._between_requests = True

    def pause_writing(self) -> None:
        """Give the peer its time to read."""
        super().pause_writing()
        self._reading_due = self.loop.call_later(ANSWERS_READ_WITHIN, self.cut_off)

    def resume_writing(self) -> None:
        """Go on: the peer has read."""
        if self._reading_due is not None:
            self._reading_due.cancel()
            self._reading_due = None
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP."""
        if not self.transport.is_closing():
            super().send_400_response(msg)
            self._close_in_time()

    def on_response_complete(self) -> None:
        """Go on to the next request, or close."""
        self._answering = self.pipeline[-1][0] if self.pipeline else None
        super().on_response_complete()
        self._close_in_time()

    def shutdown(self) -> None:
        """Close when the server ends, at the latest after the answer under way."""
        super().shutdown()
        self._close_in_time()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection."""
        super().timeout_keep_alive_handler()
        self._close_in_time()

    def _close_in_time(self) -> None:
        """See to it that a connection that closes does not wait for ever until its peer has read what it was sent."""
        if self.transport.is_closing():
            self.loop.call_later(ANSWERS_READ_WITHIN, self.transport.abort)

    def _wait_for_headers(self) -> None:
        self._unfinished = 0
        self._headers_due = self.loop.call_later(HEADERS_WITHIN, self.cut_off)

    def _stop_waiting(self) -> None:
        self._unfinished = 0
        if self._headers_due is not None:
            self._headers_due.cancel()
            self._headers_due = None

    def cut_off(self) -> None:
        """Close at once."""
        self._tell_the_application()
        self.transport.abort()

    def _tell_the_application(self) -> None:
        """Let it know that nobody waits any more. uvicorn tells those who answer the latest request alone."""
        if self._answering is not None:
            self._answering.disconnected = True
            self._answering.message_event.set()


HANDSHAKE_WITHIN = 5.0  # seconds; asyncio's own bound is 60


class EventLoop(uvloop.Loop):
    """Ends a connection whose TLS handshake does not come to an end soon."""

    async def create_server(self, *args: Any, ssl: Any = None, **keywords: Any) -> Any:  # noqa: ANN401  the loop's own
        """Listen."""
        if ssl is not None:
            keywords["ssl_handshake_timeout"] = HANDSHAKE_WITHIN
        return await super().create_server(*args, ssl=ssl, **keywords)
