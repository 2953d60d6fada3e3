"""The clients of these tests: OpenTelemetry's exporters for valid requests, plain HTTP and gRPC for invalid ones."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import grpc
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GRPCLogExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GRPCSpanExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HTTPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HTTPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry.sdk._logs import ReadableLogRecord

    from otel_tbot.testing import OTLPReceiver

EXPORT_LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
EXPORT_TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}
TIMEOUT_SECONDS = 5
# That stop() may take while a client hangs: a busy machine needs less, and without its own end it would never return.
PROMPT_SECONDS = 10


class Answer(NamedTuple):
    """A response over HTTP."""

    status: int
    headers: dict[str, str]
    body: bytes


def one_log_record() -> bytes:
    """Encode the smallest request with a log record."""
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add(event_name="tbot.start")
    return request.SerializeToString()


def connect(receiver: OTLPReceiver) -> http.client.HTTPConnection:
    """Return a plain HTTP connection, which opens with its first request."""
    return http.client.HTTPConnection(urlsplit(receiver.http_endpoint).netloc, timeout=TIMEOUT_SECONDS)


def post(
    receiver: OTLPReceiver,
    body: bytes,
    headers: Mapping[str, str] = PROTOBUF,
    *,
    path: str = "/v1/logs",
    method: str = "POST",
) -> Answer:
    """Send one request over plain HTTP."""
    connection = connect(receiver)
    try:
        connection.request(method, path, body, dict(headers))
        response = connection.getresponse()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
    finally:
        connection.close()


def call(receiver: OTLPReceiver, body: bytes, *, method: str = EXPORT_LOGS) -> bytes:
    """Make one call over plain gRPC; raise `grpc.RpcError` if its code is not OK."""
    with grpc.insecure_channel(urlsplit(receiver.grpc_endpoint).netloc) as channel:
        return method_on(channel, method)(body, timeout=TIMEOUT_SECONDS)


def method_on(channel: grpc.Channel, method: str = EXPORT_LOGS) -> grpc.UnaryUnaryMultiCallable[bytes, bytes]:
    """Return a callable that takes and returns bytes."""
    return channel.unary_unary(method)


def address(endpoint: str) -> tuple[str, int]:
    """Return the host and port of an endpoint, as `socket` takes them."""
    parts = urlsplit(endpoint)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def log_exporter(receiver: OTLPReceiver, protocol: str, *, compressed: bool = False) -> LogRecordExporter:
    """Create OpenTelemetry's own exporter of log records."""
    if protocol == "grpc":
        compression = grpc.Compression.Gzip if compressed else None
        return GRPCLogExporter(endpoint=receiver.grpc_endpoint, compression=compression, timeout=TIMEOUT_SECONDS)
    return HTTPLogExporter(
        endpoint=f"{receiver.http_endpoint}/v1/logs",
        compression=Compression.Gzip if compressed else None,
        timeout=TIMEOUT_SECONDS,
    )


def span_exporter(receiver: OTLPReceiver, protocol: str) -> SpanExporter:
    """Create OpenTelemetry's own exporter of spans."""
    if protocol == "grpc":
        return GRPCSpanExporter(endpoint=receiver.grpc_endpoint, timeout=TIMEOUT_SECONDS)
    return HTTPSpanExporter(endpoint=f"{receiver.http_endpoint}/v1/traces", timeout=TIMEOUT_SECONDS)


def export_log_record(exporter: LogRecordExporter) -> bool:
    """Send one log record through an exporter, and return whether it reports success."""
    recording = _RecordingLogExporter(exporter)
    provider = LoggerProvider(resource=Resource({"service.name": "tbot"}), shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(recording))
    provider.get_logger("otel_tbot").emit(LogRecord(event_name="tbot.start", attributes={"tbot.run_mode": "daemon"}))
    provider.shutdown()
    return recording.results == [LogRecordExportResult.SUCCESS]


def export_span(exporter: SpanExporter) -> bool:
    """Send one span through an exporter, and return whether it reports success."""
    recording = _RecordingSpanExporter(exporter)
    provider = TracerProvider(resource=Resource({"service.name": "tbot"}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(recording))
    provider.get_tracer("otel_tbot").start_span("tbot.start", attributes={"tbot.run_mode": "daemon"}).end()
    provider.shutdown()
    return recording.results == [SpanExportResult.SUCCESS]


class _RecordingLogExporter(LogRecordExporter):
    """Records the results of an exporter, which the SDK discards."""

    def __init__(self, exporter: LogRecordExporter) -> None:
        self.results: list[LogRecordExportResult] = []
        self._exporter = exporter

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        self.results.append(self._exporter.export(batch))
        return self.results[-1]

    def force_flush(self, timeout_millis: int = 10_000) -> bool:  # noqa: ARG002  nothing is buffered
        return True

    def shutdown(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # the SDK's omission


class _RecordingSpanExporter(SpanExporter):
    """Records the results of an exporter of spans."""

    def __init__(self, exporter: SpanExporter) -> None:
        self.results: list[SpanExportResult] = []
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.results.append(self._exporter.export(spans))
        return self.results[-1]

    def shutdown(self) -> None:
        self._exporter.shutdown()
