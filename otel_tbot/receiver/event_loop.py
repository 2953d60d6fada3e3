"""The event loop: the fast one, with the bound on TLS handshakes that uvicorn leaves open."""

from __future__ import annotations

from typing import Any

import uvloop

HANDSHAKE_WITHIN = 5.0  # seconds; asyncio's own bound is 60


class EventLoop(uvloop.Loop):
    """Ends a connection whose TLS handshake does not come to an end soon."""

    async def create_server(self, *args: Any, ssl: Any = None, **keywords: Any) -> Any:  # noqa: ANN401  the loop's own
        """Listen."""
        if ssl is not None:
            keywords["ssl_handshake_timeout"] = HANDSHAKE_WITHIN
        return await super().create_server(*args, ssl=ssl, **keywords)
