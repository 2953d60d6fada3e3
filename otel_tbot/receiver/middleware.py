"""Completes what the server and the Connect library leave open about request and response bodies.

The rest of an unread request body is read up to a limit, and then the connection is closed. A response in one part is
sent with its length.
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

# A response before the end of the request body would be lost in the connection's reset, if the rest of the body were
# not read first: up to this much of it.
_DRAIN_BYTES = 1024 * 1024
_DRAIN_SECONDS = 1.0


class ResponseMiddleware:
    """Wraps the ASGI functions of one request."""

    def __init__(self, receive: Receive, send: Send) -> None:
        """Wrap the server's two functions."""
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
            if not self._complete and not await self._drain():
                headers.append((b"connection", b"close"))
            await self._send({**start, "headers": headers})
        await self._send(message)

    async def _drain(self) -> bool:
        """Read the rest of the body, and return whether that was all."""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._read_rest(), _DRAIN_SECONDS)
        return self._complete

    async def _read_rest(self) -> None:
        left = _DRAIN_BYTES
        while not self._complete and left > 0:
            left -= len((await self.receive()).get("body", b""))
