"""The service that tbot calls: it validates an event, waits until it is delivered, and only then acknowledges it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectrpc.code import Code
from connectrpc.errors import ConnectError

from otel_tbot.errors import InvalidEventError
from otel_tbot.event import SECOND_NS, truncate_to_second, validate_attributes
from otel_tbot.receiver.batch_queue import QueueFullError, Submission, remote_session
from otel_tbot.receiver.wire.tbot_connect import TbotReportingService
from otel_tbot.receiver.wire.tbot_pb import SubmitTbotEventResponse, TbotStartEvent

if TYPE_CHECKING:
    from connectrpc.request import RequestContext

    from otel_tbot.receiver.batch_queue import BatchQueue
    from otel_tbot.receiver.wire.tbot_pb import SubmitTbotEventRequest

_RUN_MODES = {TbotStartEvent.RunMode.ONE_SHOT: "one-shot", TbotStartEvent.RunMode.DAEMON: "daemon"}
_ACKNOWLEDGED = SubmitTbotEventResponse()


class ReportingService(TbotReportingService):
    """Answers `SubmitTbotEvent`."""

    def __init__(self, queue: BatchQueue) -> None:
        """Deliver events through `queue`."""
        self._queue = queue

    async def submit_tbot_event(
        self,
        request: SubmitTbotEventRequest,
        ctx: RequestContext[SubmitTbotEventRequest, SubmitTbotEventResponse],  # noqa: ARG002  part of the interface
    ) -> SubmitTbotEventResponse:
        """Acknowledge an event that the backend has accepted.

        Raises:
            ConnectError: `invalid_argument` if it is not an event; `resource_exhausted` when too many wait;
                `unavailable` when the backend did not accept it.
        """
        try:
            submission = read_submission(request)
        except InvalidEventError as error:
            raise ConnectError(Code.INVALID_ARGUMENT, str(error)) from None
        try:
            accepted, _ = await self._queue.deliver(submission)
        except QueueFullError:
            raise ConnectError(Code.RESOURCE_EXHAUSTED, "too many events wait for the backend: try again") from None
        if not accepted:
            # The reason is in our log: it describes the backend, which clients need not know.
            raise ConnectError(Code.UNAVAILABLE, "the backend did not accept the event")
        return _ACKNOWLEDGED


def read_submission(request: SubmitTbotEventRequest) -> Submission:
    """Return the validated event of a request.

    Raises:
        InvalidEventError: it has no start event, its session id is not a UUID of version 4, its run mode is neither of
            the two, or a counter is negative.
    """
    if request.event is None:
        message = "the request has no start event"
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
    # A missing or invalid time becomes the time of arrival.
    timestamp_ns = truncate_to_second(request.timestamp.seconds * SECOND_NS if request.timestamp else None)
    return Submission(attributes, remote_session(request.distinct_id), timestamp_ns)
