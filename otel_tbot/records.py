"""The event as the SDK's log record or span, built from validated values and constants.

Nothing that a host attached is passed on: record, resource and scope are new objects.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Literal

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.sdk.version import __version__ as sdk_version
from opentelemetry.trace import (
    INVALID_SPAN,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from otel_tbot.event import SCOPE_NAME
from otel_tbot.schema.constants import EVENT_NAME
from otel_tbot.session import resource_with_sdk
from otel_tbot.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from google.protobuf.message import Message

    from otel_tbot.event import EventAttributes
    from otel_tbot.session import Session

_SCOPE = InstrumentationScope(SCOPE_NAME, __version__)
# A context without a span and without baggage. The SDK copies the ids of the host's active span to every record and
# uses that span as a parent. An empty context does not prevent this; a context with an invalid span does.
NO_PARENT_CONTEXT = set_span_in_context(INVALID_SPAN, Context())


def build_resource(session: Session) -> Resource:
    """Return the resource of a session, without anything from the environment."""
    return Resource(resource_with_sdk(session, sdk_version))


def build_api_log_record(attributes: Mapping[str, str | int], *, timestamp_ns: int) -> LogRecord:
    """Return a log record of OpenTelemetry's API without severity text and trace context.

    Its body is the event's name: several backends drop or hide a record without a body.

    Args:
        attributes: the record's attributes.
        timestamp_ns: nanoseconds since 1970, truncated to the whole second.
    """
    return LogRecord(
        timestamp=timestamp_ns,
        observed_timestamp=timestamp_ns,
        context=NO_PARENT_CONTEXT,
        severity_number=SeverityNumber.INFO,
        body=EVENT_NAME,
        attributes=attributes,
        event_name=EVENT_NAME,
    )


def build_log_record(attributes: EventAttributes, resource: Resource, *, timestamp_ns: int) -> ReadableLogRecord:
    """Return the event as a log record.

    Args:
        attributes: the attributes of the event.
        resource: the resource of the session, from `build_resource`.
        timestamp_ns: nanoseconds since 1970, truncated to the whole second.
    """
    record = build_api_log_record(attributes, timestamp_ns=timestamp_ns)
    return ReadableLogRecord(log_record=record, resource=resource, instrumentation_scope=_SCOPE)


def build_span(attributes: EventAttributes, resource: Resource, *, start_ns: int, end_ns: int) -> ReadableSpan:
    """Return the event as a root span with unpredictable ids.

    Args:
        attributes: the attributes of the event.
        resource: the resource of the session, from `build_resource`.
        start_ns: nanoseconds since 1970, truncated to the whole second.
        end_ns: the end, in the same form; an end before the start becomes the start.
    """
    context = SpanContext(
        # The SDK's generator uses the global `random`, which a host may have seeded.
        trace_id=_random_id(bits=128),
        span_id=_random_id(bits=64),
        is_remote=False,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
    return ReadableSpan(
        name=EVENT_NAME,
        context=context,
        resource=resource,
        attributes=attributes,
        kind=SpanKind.INTERNAL,
        status=Status(StatusCode.UNSET),
        start_time=start_ns,
        end_time=max(start_ns, end_ns),
        instrumentation_scope=_SCOPE,
    )


def _random_id(*, bits: int) -> int:
    # 0 is the invalid id (W3C Trace Context).
    return secrets.randbelow(2**bits - 1) + 1


def build_record(
    signal: Literal["logs", "traces"], attributes: EventAttributes, session: Session, *, timestamp_ns: int
) -> ReadableLogRecord | ReadableSpan:
    """Return the event as what one signal carries: a log record, or a span without duration.

    Args:
        signal: `logs` or `traces`.
        attributes: the attributes of the event.
        session: the start that the event belongs to.
        timestamp_ns: nanoseconds since 1970, truncated to the whole second.
    """
    resource = build_resource(session)
    if signal == "traces":
        return build_span(attributes, resource, start_ns=timestamp_ns, end_ns=timestamp_ns)
    return build_log_record(attributes, resource, timestamp_ns=timestamp_ns)


def encode_request(signal: Literal["logs", "traces"], records: Sequence[Any]) -> Message:
    """Return the OTLP request for log records or spans, made by the encoders that the OTLP exporters use."""
    # Each encoder loads the protobuf messages of its signal.
    if signal == "traces":
        from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans  # noqa: PLC0415

        return encode_spans(records)
    from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs  # noqa: PLC0415

    return encode_logs(records)
