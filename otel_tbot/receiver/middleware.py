"""One exchange between the server and the Connect library: what both leave open about the bodies.

A body that nobody reads to its end is read on a little, and then the connection is closed. An answer in one piece is
sent in one piece, with its length.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

# An answer that comes before the end of the body would be lost in the reset of the connection, if the rest of the body
# were not read first. This much of it is.
_READ_ON_BYTES = 1024 * 1024
_READ_ON_SECONDS = 1.0


class ResponseMiddleware:
    """Passes the messages of one request and its answer on."""

    def __init__(self, receive: Receive, send: Send) -> None:
        """Stand between the server's two functions and the application."""
        self._receive = receive
        self._send = send
        self._complete = False
        self._start: Message | None = None

    async def receive(self) -> Message:
        """Return the next message of the client."""
        message = await self._receive()
        if not (message["type"] == "http.request" and message.get("more_body")):
            self._complete = True
        return message

    async def send(self, message: Message) -> None:
        """Send a message of the application."""
        if message["type"] == "http.response.start":
            self._start = message
            return
        start, self._start = self._start, None
        if start is not None:
            headers = [*start.get("headers", ())]
            if not message.get("more_body"):
                headers.append((b"content-length", b"%d" % len(message.get("body", b""))))
            if not self._complete and not await self._read_on():
                headers.append((b"connection", b"close"))
            await self._send({**start, "headers": headers})
        await self._send(message)

    async def _read_on(self) -> bool:
        """Read what is left of the body, and tell whether that was all."""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._read_some(), _READ_ON_SECONDS)
        return self._complete

    async def _read_some(self) -> None:
        left = _READ_ON_BYTES
        while not self._complete and left > 0:
            left -= len((await self.receive()).get("body", b""))
