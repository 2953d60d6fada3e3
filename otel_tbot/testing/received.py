"""What a receiver returns: each export request, raw and decoded, and its records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
    from opentelemetry.proto.resource.v1.resource_pb2 import Resource
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    from otel_tbot.testing.otlp_messages import ExportRequest, SignalName

Protocol: TypeAlias = Literal["grpc", "http/protobuf", "http/json"]


class ReceivedLogRecord(NamedTuple):
    """A log record with its resource and scope.

    Attributes:
        resource: its protobuf `Resource`.
        scope: its protobuf `InstrumentationScope`.
        log_record: the protobuf `LogRecord` itself.
    """

    resource: Resource
    scope: InstrumentationScope
    log_record: LogRecord

    @property
    def attributes(self) -> dict[str, object]:
        """The record's attributes as plain Python values."""
        return _plain_attributes(self.log_record.attributes)

    @property
    def resource_attributes(self) -> dict[str, object]:
        """The resource's attributes as plain Python values."""
        return _plain_attributes(self.resource.attributes)


class ReceivedSpan(NamedTuple):
    """A span with its resource and scope.

    Attributes:
        resource: its protobuf `Resource`.
        scope: its protobuf `InstrumentationScope`.
        span: the protobuf `Span` itself.
    """

    resource: Resource
    scope: InstrumentationScope
    span: Span

    @property
    def attributes(self) -> dict[str, object]:
        """The span's attributes as plain Python values."""
        return _plain_attributes(self.span.attributes)

    @property
    def resource_attributes(self) -> dict[str, object]:
        """The resource's attributes as plain Python values."""
        return _plain_attributes(self.resource.attributes)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ReceivedRequest:
    """One export request that a receiver could decode, accepted or not.

    Attributes:
        signal: `logs` or `traces`.
        protocol: `grpc`, `http/protobuf` or `http/json`, as in `OTEL_EXPORTER_OTLP_PROTOCOL`.
        path: the HTTP request target, or the full name of the gRPC method.
        headers: the HTTP headers, or the gRPC metadata. Names are in lower case; the values of a repeated name are
            joined by a comma and a space; binary metadata is in base64.
        body: the bytes that were sent. Over HTTP they are still compressed if the client compressed them; over gRPC
            they are those of the message.
        message: the decoded `ExportLogsServiceRequest` or `ExportTraceServiceRequest`.
    """

    signal: SignalName
    protocol: Protocol
    path: str
    headers: Mapping[str, str]
    body: bytes
    message: ExportRequest

    @property
    def log_records(self) -> list[ReceivedLogRecord]:
        """The log records in the request, in its order; none in a request for traces."""
        if not isinstance(self.message, ExportLogsServiceRequest):
            return []
        return [
            ReceivedLogRecord(of_resource.resource, of_scope.scope, log_record)
            for of_resource in self.message.resource_logs
            for of_scope in of_resource.scope_logs
            for log_record in of_scope.log_records
        ]

    @property
    def spans(self) -> list[ReceivedSpan]:
        """The spans in the request, in its order; none in a request for logs."""
        if not isinstance(self.message, ExportTraceServiceRequest):
            return []
        return [
            ReceivedSpan(of_resource.resource, of_scope.scope, span)
            for of_resource in self.message.resource_spans
            for of_scope in of_resource.scope_spans
            for span in of_scope.spans
        ]


def _plain_attributes(attributes: Iterable[KeyValue]) -> dict[str, object]:
    """Return a list of attributes as a dictionary."""
    return {attribute.key: _plain_value(attribute.value) for attribute in attributes}


def _plain_value(value: AnyValue) -> object:
    """Return an OTLP value as a Python value; None if it is not set."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain_value(inner) for inner in value.array_value.values]
    if kind == "kvlist_value":
        return _plain_attributes(value.kvlist_value.values)
    return None if kind is None else getattr(value, kind)
