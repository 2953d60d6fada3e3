"""The service that tbot calls: validates an event, waits until it is delivered, and only then acknowledges it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectrpc.code import Code
from connectrpc.errors import ConnectError

from otel_tbot.errors import InvalidEventError
from otel_tbot.receiver.batches import QueueFullError
from otel_tbot.receiver.request import read
from otel_tbot.receiver.wire.tbot_connect import TbotReportingService
from otel_tbot.receiver.wire.tbot_pb import SubmitTbotEventResponse

if TYPE_CHECKING:
    from connectrpc.request import RequestContext

    from otel_tbot.receiver.batches import Batches
    from otel_tbot.receiver.wire.tbot_pb import SubmitTbotEventRequest

_ACKNOWLEDGED = SubmitTbotEventResponse()


class ReportingService(TbotReportingService):
    """Answers `SubmitTbotEvent`."""

    def __init__(self, batches: Batches) -> None:
        """Deliver events through `batches`."""
        self._batches = batches

    async def submit_tbot_event(
        self,
        request: SubmitTbotEventRequest,
        ctx: RequestContext[SubmitTbotEventRequest, SubmitTbotEventResponse],  # noqa: ARG002  part of the interface
    ) -> SubmitTbotEventResponse:
        """Acknowledge an event that the backend has accepted.

        Raises:
            ConnectError: `invalid_argument` for what is no event; `resource_exhausted` when too many wait already;
                `unavailable` when the backend did not accept it.
        """
        try:
            submission = read(request)
        except InvalidEventError as error:
            raise ConnectError(Code.INVALID_ARGUMENT, str(error)) from None
        try:
            accepted, _ = await self._batches.deliver(submission)
        except QueueFullError:
            raise ConnectError(Code.RESOURCE_EXHAUSTED, "too many events wait for the backend: try again") from None
        if not accepted:
            # Why is in our own log: the reason tells about the backend, which is not for the senders to know.
            raise ConnectError(Code.UNAVAILABLE, "the backend did not accept the event")
        return _ACKNOWLEDGED
