"""The event as a log record of the SDK's, built anew from validated values and constants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.sdk._logs import ReadableLogRecord

from otel_tbot.otel.api import api_log_record
from otel_tbot.otel.origin import SCOPE

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource

    from otel_tbot.event import EventAttributes


def log_record(attributes: EventAttributes, session_resource: Resource, *, at: int) -> ReadableLogRecord:
    """Return an event as a log record.

    Args:
        attributes: the event's, validated.
        session_resource: what `resource` made of its session.
        at: the time of the event in nanoseconds since 1970, cut to the whole second.
    """
    record = api_log_record(attributes, at=at)
    return ReadableLogRecord(log_record=record, resource=session_resource, instrumentation_scope=SCOPE)
