"""OTLP's messages for the two signals: paths, requests, responses and the bodies of errors."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from google.protobuf.message import DecodeError
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

from otel_tbot.otlp.json_encoding import from_otlp_json
from otel_tbot.testing.reply import grpc_code_of

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
        http_path: the path that it is posted to.
        grpc_service: the full name of the gRPC service with the method `Export` for it.
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
    """Build the response to spans. A full success must leave `partial_success` unset (OTLP specification)."""
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


def decode_protobuf(signal: Signal, data: bytes) -> ExportRequest:
    """Read a request in protobuf's binary form.

    Raises:
        ValueError: the bytes are not such a request.
    """
    message = signal.request_type()
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        reason = f"the body is not a valid {signal.request_type.__name__} in protobuf"
        raise ValueError(reason) from error
    return message


def decode_json(signal: Signal, data: bytes) -> ExportRequest:
    """Read a request in OTLP/JSON.

    Raises:
        ValueError: the bytes are not such a request.
    """
    try:
        document = json.loads(data)
    except RecursionError as error:
        reason = "the body is nested too deeply"
        raise ValueError(reason) from error
    return from_otlp_json(document, signal.request_type)


def error_body(status: int, message: str, *, as_json: bool) -> bytes:
    """Encode the body of an HTTP error: a `google.rpc.Status` in the encoding of the request (OTLP specification).

    Args:
        status: the HTTP status of the response.
        message: the error; empty for the bare status.
        as_json: whether to encode as JSON; otherwise in protobuf's binary form.
    """
    code: int = grpc_code_of(status).value[0]
    message = message or f"HTTP status {status}"
    if as_json:
        return json.dumps({"code": code, "message": message}).encode()
    # The generated google.rpc.Status is not in the OTLP package. This message is the same on the wire: field 1 is an
    # integer and field 2 a string.
    return ExportLogsPartialSuccess(rejected_log_records=code, error_message=message).SerializeToString()
