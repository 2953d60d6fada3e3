"""The event in the objects of OpenTelemetry's API, which load nothing of the SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, set_span_in_context

from otel_tbot.otel.payload import SEVERITY_NUMBER
from otel_tbot.schema.table import EVENT_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

# A context without a span and without baggage. Left to itself, the SDK puts the ids of the host's active span on every
# record, and makes it a span's parent. An empty context does not keep it from that, one with an invalid span does.
OUTSIDE_OF_SPANS = set_span_in_context(INVALID_SPAN, Context())
_SEVERITY = SeverityNumber(SEVERITY_NUMBER)


def api_log_record(attributes: Mapping[str, str | int], *, at: int) -> LogRecord:
    """Return a record without body, severity text and trace context.

    Args:
        attributes: what it carries.
        at: the time of the event in nanoseconds since 1970, cut to the whole second.
    """
    return LogRecord(
        timestamp=at,
        observed_timestamp=at,
        context=OUTSIDE_OF_SPANS,
        severity_number=_SEVERITY,
        attributes=attributes,
        event_name=EVENT_NAME,
    )
