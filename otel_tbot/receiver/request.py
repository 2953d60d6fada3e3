"""Reads tbot's message, and validates what it reports as everywhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_tbot.errors import InvalidEventError
from otel_tbot.event import valid
from otel_tbot.otel.payload import SECOND, whole_second
from otel_tbot.receiver.submission import Submission, session
from otel_tbot.receiver.wire.tbot_pb import TbotRunMode

if TYPE_CHECKING:
    from otel_tbot.receiver.wire.tbot_pb import SubmitTbotEventRequest

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
    attributes = valid(
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
    at = whole_second(request.timestamp.seconds * SECOND if request.timestamp else None)
    return Submission(attributes, session(request.distinct_id), at)
