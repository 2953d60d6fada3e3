"""What happens around each call, before its body is read and after its outcome is known: counting, refusing a surplus.

Both work for every form of the protocol, since the Connect library calls them.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from connectrpc.code import Code
from connectrpc.errors import ConnectError

if TYPE_CHECKING:
    from connectrpc.request import RequestContext

    from otel_tbot.receiver.metrics import Counters


# Whether the request in hand is one too many of its peer's.
rate_limited: ContextVar[bool] = ContextVar("surplus")
# Whether the request in hand was understood as a call: what is refused earlier, nobody asks an interceptor about.
is_call: ContextVar[bool] = ContextVar("understood")


class Counting:
    """Counts each call, and each refusal under its code."""

    def __init__(self, counters: Counters) -> None:
        """Count into `counters`."""
        self._counters = counters

    async def on_start(self, ctx: RequestContext[Any, Any]) -> None:  # noqa: ARG002  the interceptor's interface
        """Count a call that has begun."""
        is_call.set(True)
        self._counters.received += 1

    async def on_end(self, token: None, ctx: RequestContext[Any, Any], error: Exception | None) -> None:  # noqa: ARG002  see above
        """Count a call that has failed."""
        if error is not None:
            code = error.code if isinstance(error, ConnectError) else Code.INTERNAL
            self._counters.refused[code.value] += 1


class PeerRate:
    """Refuses the calls of a peer that makes too many."""

    async def on_start(self, ctx: RequestContext[Any, Any]) -> None:  # noqa: ARG002  see above
        """Let a call pass.

        Raises:
            ConnectError: `resource_exhausted`.
        """
        if rate_limited.get():
            raise ConnectError(Code.RESOURCE_EXHAUSTED, "too many events from this address: try again later")

    async def on_end(self, token: None, ctx: RequestContext[Any, Any], error: Exception | None) -> None:
        """Do nothing."""
