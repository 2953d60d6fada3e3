"""One connection, with the bounds that uvicorn leaves open: how many there are, and how long headers may take.

uvicorn closes an idle connection after an answer. One that never sends anything, or its headers byte by byte, it would
keep for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio

HEADERS_WITHIN = 5.0  # seconds from the connection, or the first byte of the next request, to the end of its headers
MAX_UNFINISHED_HEADER_BYTES = 64 * 1024  # more of them in one piece are refused by the application


class Connection(HttpToolsProtocol):
    """A connection that must send its headers soon, and not too many of them.

    Attributes:
        open_now: how many are open in this process.
    """

    open_now = 0

    def __init__(self, config: Any, *args: Any, **keywords: Any) -> None:  # noqa: ANN401  uvicorn's own arguments
        """Belong to a server of uvicorn's."""
        super().__init__(config, *args, **keywords)
        self._most = config.limit_concurrency
        self._timer: asyncio.TimerHandle | None = None
        self._unfinished = 0
        self._admitted = False
        self._between_requests = False
        self._begun = False
        self._in_headers = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Begin, or close at once where there are too many."""
        if Connection.open_now >= self._most:
            transport.abort()
            return
        self._admitted = True
        Connection.open_now += 1
        super().connection_made(transport)
        self._wait_for_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._stop_waiting()
        if self._admitted:
            Connection.open_now -= 1
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on."""
        begins, self._begun = self._between_requests, False
        super().data_received(data)
        # Empty lines begin no request, and would keep an idle connection open.
        only_empty_lines = begins and not self._begun
        if self._timer is None and (self._in_headers or only_empty_lines):
            self._wait_for_headers()
        if self._timer is not None:
            self._unfinished += len(data)
            if self._unfinished > MAX_UNFINISHED_HEADER_BYTES:
                self.transport.abort()

    def on_message_begin(self) -> None:
        """Know that headers begin: those that have not come whole get their time."""
        super().on_message_begin()
        self._begun = self._in_headers = True
        self._between_requests = False

    def on_headers_complete(self) -> None:
        """Leave the rest to the time-out of the request."""
        self._in_headers = False
        self._stop_waiting()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Expect the next request."""
        super().on_message_complete()
        self._between_requests = True

    def _wait_for_headers(self) -> None:
        self._unfinished = 0
        self._timer = self.loop.call_later(HEADERS_WITHIN, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
