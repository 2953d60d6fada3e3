"""The two signals that a receiver takes, as a table: what distinguishes them over HTTP and over gRPC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsPartialSuccess,
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SignalName: TypeAlias = Literal["logs", "traces"]
ExportRequest: TypeAlias = ExportLogsServiceRequest | ExportTraceServiceRequest
ExportResponse: TypeAlias = ExportLogsServiceResponse | ExportTraceServiceResponse


@dataclass(frozen=True, kw_only=True, slots=True)
class Signal:
    """One kind of telemetry.

    Attributes:
        name: its name in this package.
        http_path: where it is posted to.
        grpc_service: the full name of the gRPC service whose method `Export` takes it.
        request_type: the message that carries it.
        response: builds the response to it, given how many of its records were rejected, and why.
    """

    name: SignalName
    http_path: str
    grpc_service: str
    request_type: type[ExportRequest]
    response: Callable[[int, str], ExportResponse]


def _logs_response(rejected: int, error_message: str) -> ExportLogsServiceResponse:
    """Build the response to log records. A full success must leave `partial_success` unset (OTLP specification)."""
    if not rejected and not error_message:
        return ExportLogsServiceResponse()
    partial = ExportLogsPartialSuccess(rejected_log_records=rejected, error_message=error_message)
    return ExportLogsServiceResponse(partial_success=partial)


def _traces_response(rejected: int, error_message: str) -> ExportTraceServiceResponse:
    """Build the response to spans, likewise."""
    if not rejected and not error_message:
        return ExportTraceServiceResponse()
    partial = ExportTracePartialSuccess(rejected_spans=rejected, error_message=error_message)
    return ExportTraceServiceResponse(partial_success=partial)


SIGNALS = (
    Signal(
        name="logs",
        http_path="/v1/logs",
        grpc_service="opentelemetry.proto.collector.logs.v1.LogsService",
        request_type=ExportLogsServiceRequest,
        response=_logs_response,
    ),
    Signal(
        name="traces",
        http_path="/v1/traces",
        grpc_service="opentelemetry.proto.collector.trace.v1.TraceService",
        request_type=ExportTraceServiceRequest,
        response=_traces_response,
    ),
)
