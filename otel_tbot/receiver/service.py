"""The service that tbot calls: validates an event, waits until it is delivered, and only then acknowledges it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectrpc.code import Code
from connectrpc.errors import ConnectError

from otel_tbot.errors import InvalidEventError
from otel_tbot.event import SECOND_NS, truncate_to_second, validate_attributes
from otel_tbot.receiver.batch_queue import QueueFullError
from otel_tbot.receiver.submission import Submission, session
from otel_tbot.receiver.wire.tbot_connect import TbotReportingService
from otel_tbot.receiver.wire.tbot_pb import SubmitTbotEventResponse, TbotRunMode

if TYPE_CHECKING:
    from connectrpc.request import RequestContext

    from otel_tbot.receiver.batch_queue import BatchQueue
    from otel_tbot.receiver.wire.tbot_pb import SubmitTbotEventRequest

# DOC: """Reads tbot's message, and validates what it reports as everywhere else."""


_ACKNOWLEDGED = SubmitTbotEventResponse()


class ReportingService(TbotReportingService):
    """Answers `SubmitTbotEvent`."""

    def __init__(self, batches: BatchQueue) -> None:
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


_RUN_MODES = {TbotRunMode.ONE_SHOT: "one-shot", TbotRunMode.DAEMON: "daemon"}


def read(request: SubmitTbotEventRequest) -> Submission:
    """Return what a request reports.

    Raises:
        InvalidEventError: it holds no start event, its session id is no UUID of version 4, its run mode is neither of
            the two, or a counter is negative.
    """
    if request.event is None:
        message = "the request holds no start event"
        raise InvalidEventError(message)
    start = request.event.value
    attributes = validate_attributes(
        {
            "tbot.run_mode": _RUN_MODES.get(start.run_mode),
            "tbot.version": start.version,
            "tbot.join_type": start.join_type,
            "tbot.helper": start.helper,
            "tbot.helper_version": start.helper_version,
            "tbot.destinations_other": start.destinations_other,
            "tbot.destinations_database": start.destinations_database,
            "tbot.destinations_kubernetes": start.destinations_kubernetes,
            "tbot.destinations_application": start.destinations_application,
        }
    )
    # A missing or impossible time becomes the time of arrival.
    at = truncate_to_second(request.timestamp.seconds * SECOND_NS if request.timestamp else None)
    return Submission(attributes, session(request.distinct_id), at)
