"""The export requests that the contract describes, built by hand from a session id, a time and span ids."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

import otel_tbot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from otel_tbot import Session

SECOND = 1_000_000_000  # nanoseconds
_INFO = 9


def log_request(
    attributes: Mapping[str, str | int],
    *,
    session: Session,
    seconds: int,
) -> bytes:
    """Return the request for one event as a log record.

    Args:
        attributes: those of the event.
        session: the session.
        seconds: the time.
    """
    at = seconds * SECOND
    record = LogRecord(
        time_unix_nano=at,
        observed_time_unix_nano=at,
        severity_number=_INFO,  # type: ignore[arg-type]  # the contract gives the number
        event_name="tbot.start",
        body=AnyValue(string_value="tbot.start"),
        attributes=_pairs(attributes),
    )
    scope_group = ScopeLogs(scope=_SCOPE, log_records=[record])
    resource_group = ResourceLogs(resource=_resource(session), scope_logs=[scope_group])
    return ExportLogsServiceRequest(resource_logs=[resource_group]).SerializeToString()


def trace_request(
    attributes: Mapping[str, str | int],
    *,
    session: Session,
    seconds: tuple[int, int],
    trace_id: bytes,
    span_id: bytes,
) -> bytes:
    """Return the request for one event as a span; `seconds` are its start and end."""
    span = Span(
        trace_id=trace_id,
        span_id=span_id,
        name="tbot.start",
        kind=Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=seconds[0] * SECOND,
        end_time_unix_nano=seconds[1] * SECOND,
        attributes=_pairs(attributes),
        status=Status(),
        flags=0x100,  # it is known whether the parent is remote (opentelemetry-proto, trace.proto); there is none
    )
    scope_group = ScopeSpans(scope=_SCOPE, spans=[span])
    resource_group = ResourceSpans(resource=_resource(session), scope_spans=[scope_group])
    return ExportTraceServiceRequest(resource_spans=[resource_group]).SerializeToString()


_SCOPE = InstrumentationScope(name="otel_tbot", version=otel_tbot.__version__)


def _resource(session: Session) -> Resource:
    values = {
        "session.id": session.id,
        "service.instance.id": session.id,
        "service.name": "tbot",
        "os.type": session.os_type,
        "host.arch": session.host_arch,
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.version": version("opentelemetry-sdk"),
    }
    return Resource(attributes=_pairs({name: value for name, value in values.items() if value is not None}))


def _pairs(values: Mapping[str, str | int]) -> list[KeyValue]:
    return [
        KeyValue(key=name, value=AnyValue(int_value=value) if isinstance(value, int) else AnyValue(string_value=value))
        for name, value in values.items()
    ]
