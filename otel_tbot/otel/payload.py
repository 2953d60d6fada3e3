"""The payload: the one place where what leaves is made, as the SDK's own objects.

Everything is built anew from a validated event, a session, a time and constants. Nothing that came in is passed on.
"""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.version import __version__ as sdk_version

from otel_tbot.event import StartEvent
from otel_tbot.schema.table import EVENT_NAME, RESOURCE_ATTRIBUTES
from otel_tbot.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from google.protobuf.message import Message
    from opentelemetry._logs import LogRecord
    from opentelemetry.context import Context
    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    from otel_tbot.otel.otlp_settings import Signal
    from otel_tbot.session import Session

SCOPE_NAME = "otel_tbot"
SEVERITY_NUMBER = 9  # INFO in the data model of OpenTelemetry's logs
_SECOND = 1_000_000_000  # in nanoseconds, the unit of every time in OTLP, where 0 stands for an unknown one
_LATEST = 2**63 - 1  # the last nanosecond that OTLP's readers agree on


def whole_second(nanoseconds: object = None) -> int:
    """Return a time in nanoseconds since 1970, cut to the whole second: the given one, or now if it is no such time."""
    # Called on the type, this makes a plain number also of an object that only behaves like one.
    exact = int.__index__(nanoseconds) if isinstance(nanoseconds, int) and not isinstance(nanoseconds, bool) else 0
    if not _SECOND <= exact <= _LATEST:
        exact = time.time_ns()
    return exact - exact % _SECOND


def _cleaned(values: Mapping[str, str]) -> dict[str, str]:
    """Return those of the resource's attributes that have a value, in the order of the schema."""
    cleaned = ((row.name, row.clean(values[row.name])) for row in RESOURCE_ATTRIBUTES if row.name in values)
    return {name: str(value) for name, value in cleaned if value is not None}


@cache
def _sdk_attributes() -> dict[str, str]:
    return _cleaned(
        {
            "telemetry.sdk.name": "opentelemetry",
            "telemetry.sdk.language": "python",
            "telemetry.sdk.version": sdk_version,
        }
    )


def resource_attributes(session: Session) -> dict[str, str]:
    """Return the resource of a session, in the order of the schema."""
    return {**_cleaned(session.attributes), **_sdk_attributes()}


def resource(session: Session) -> Resource:
    """Return the resource of a session as the SDK's object, without anything from the environment."""
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415  `preview` shows text without the SDK

    return Resource(resource_attributes(session))


@cache
def outside_of_spans() -> Context:
    """Return a context without a span and without baggage.

    Left to itself, the SDK puts the ids of the host's active span on every record, and makes it a span's parent. An
    empty context does not keep it from that, one with an invalid span does.
    """
    from opentelemetry.context import Context  # noqa: PLC0415  see above
    from opentelemetry.trace import INVALID_SPAN, set_span_in_context  # noqa: PLC0415

    return set_span_in_context(INVALID_SPAN, Context())


def make(signal: Signal, event: StartEvent, session: Session, *, at: int) -> ReadableLogRecord | ReadableSpan:
    """Return the event as what one signal carries; see `log_record` and `span`.

    Raises:
        InvalidEventError: the event is none, whatever it claims.
    """
    # An object of the caller's, which may have come by other values than its class lets in.
    return built(signal, StartEvent.from_attributes(event.attributes), session, at=at)


def built(signal: Signal, event: StartEvent, session: Session, *, at: int) -> ReadableLogRecord | ReadableSpan:
    """Return an event that was validated here, and by nobody else, as what one signal carries."""
    if signal == "traces":
        return span(event, resource(session), at=at, until=at)
    return log_record(event, resource(session), at=at)


@cache
def _scope() -> InstrumentationScope:
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope  # noqa: PLC0415  see above

    return InstrumentationScope(SCOPE_NAME, __version__)


def api_log_record(attributes: Mapping[str, str | int], *, at: int) -> LogRecord:
    """Return a record as OpenTelemetry's API has it, without body, severity text and trace context.

    Args:
        attributes: what it carries.
        at: the time of the event in nanoseconds since 1970, cut to the whole second.
    """
    from opentelemetry._logs import LogRecord, SeverityNumber  # noqa: PLC0415  see above

    return LogRecord(
        timestamp=at,
        observed_timestamp=at,
        context=outside_of_spans(),
        severity_number=SeverityNumber(SEVERITY_NUMBER),
        attributes=attributes,
        event_name=EVENT_NAME,
    )


def log_record(event: StartEvent, session_resource: Resource, *, at: int) -> ReadableLogRecord:
    """Return the event as a log record.

    Args:
        event: the event.
        session_resource: what `resource` made of its session.
        at: the time of the event in nanoseconds since 1970, cut to the whole second.
    """
    from opentelemetry.sdk._logs import ReadableLogRecord  # noqa: PLC0415  see above

    record = api_log_record(event.attributes, at=at)
    return ReadableLogRecord(log_record=record, resource=session_resource, instrumentation_scope=_scope())


def span(event: StartEvent, session_resource: Resource, *, at: int, until: int) -> ReadableSpan:
    """Return the event as a root span with ids that nobody can predict.

    Args:
        event: the event.
        session_resource: what `resource` made of its session.
        at: the start in nanoseconds since 1970, cut to the whole second.
        until: the end, likewise.
    """
    from opentelemetry.sdk.trace import ReadableSpan  # noqa: PLC0415  see above
    from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags  # noqa: PLC0415

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
        resource=session_resource,
        attributes=event.attributes,
        kind=SpanKind.INTERNAL,
        status=Status(StatusCode.UNSET),
        start_time=at,
        end_time=max(at, until),
        instrumentation_scope=_scope(),
    )


def _random_id(*, bits: int) -> int:
    import secrets  # noqa: PLC0415  loads hashing and more, which log records do without

    # 0 is the invalid id (W3C Trace Context).
    return secrets.randbelow(2**bits - 1) + 1


def request(signal: Signal, items: Sequence[Any]) -> Message:
    """Return the OTLP request that the exporters make of log records or spans, by the encoders that they use."""
    if signal == "traces":
        from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans  # noqa: PLC0415  protobuf

        return encode_spans(items)
    from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs  # noqa: PLC0415  protobuf

    return encode_logs(items)
