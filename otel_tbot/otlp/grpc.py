"""OTLP over gRPC with an honest answer: records that the backend rejects make the export fail.

The exporters read no answer. Their common base takes the gRPC stub as a public argument: here it gets one that does.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
from opentelemetry.exporter.otlp.proto.grpc.exporter import OTLPExporterMixin

from otel_tbot.otlp.failure_reason import NOT_AN_OTLP_RESPONSE, FailureReason, partial_success_reason
from otel_tbot.otlp.grpc_guard import require_resources

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    from otel_tbot.otlp.settings import OTLPSettings

    _Headers = tuple[tuple[str, str], ...]


class ResponseRejectedError(grpc.RpcError):
    """Records that the backend did not take, in the form in which gRPC reports a failed call."""

    def code(self) -> grpc.StatusCode:
        """Return a status that no exporter retries: the same records would be rejected again."""
        return grpc.StatusCode.INVALID_ARGUMENT

    def details(self) -> str:
        """Return the reason."""
        return str(self)

    def trailing_metadata(self) -> tuple[()]:
        """Return nothing: there is no advice when to try again."""
        return ()


def grpc_exporter(settings: OTLPSettings, verdict: FailureReason) -> OTLPLogExporter | OTLPSpanExporter:
    """Return the OTLP exporter over gRPC that the settings describe.

    Args:
        settings: where and how.
        verdict: where the reason of a failure is left.

    Raises:
        SettingsError: the process has no room for gRPC.
    """
    require_resources()
    keywords: dict[str, Any] = {
        "endpoint": settings.endpoint,
        "insecure": settings.insecure,
        "credentials": _credentials(settings),
        "timeout": settings.timeout,
        "compression": grpc.Compression.Gzip if settings.compression == "gzip" else grpc.Compression.NoCompression,
        # Else gRPC tries 20 s to get a connection, also when its channel has been closed and nobody waits any more.
        "channel_options": (("grpc.min_reconnect_backoff_ms", max(1, int(settings.timeout * 1000))),),
    }
    headers = tuple(settings.headers.items())
    return (_log_exporter if settings.signal == "logs" else _span_exporter)(headers, verdict, keywords)


def _log_exporter(headers: _Headers, verdict: FailureReason, keywords: dict[str, Any]) -> OTLPLogExporter:
    # Each signal loads its own messages only.
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter  # noqa: PLC0415
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub  # noqa: PLC0415
    from opentelemetry.sdk._logs.export import LogRecordExportResult  # noqa: PLC0415

    class Exporter(OTLPLogExporter):
        def __init__(self) -> None:
            stub = _judging(LogsServiceStub, "rejected_log_records", "log record(s)", headers, verdict)
            # Not the parent's constructor: it would read the environment again, and takes no stub.
            OTLPExporterMixin.__init__(self, stub=stub, result=LogRecordExportResult, **keywords)  # type: ignore[misc]  # an enum's class

    return Exporter()


def _span_exporter(headers: _Headers, verdict: FailureReason, keywords: dict[str, Any]) -> OTLPSpanExporter:
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # noqa: PLC0415  see above
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import SpanExportResult  # noqa: PLC0415

    class Exporter(OTLPSpanExporter):
        def __init__(self) -> None:
            stub = _judging(TraceServiceStub, "rejected_spans", "span(s)", headers, verdict)
            OTLPExporterMixin.__init__(self, stub=stub, result=SpanExportResult, **keywords)  # type: ignore[misc]  # see above

    return Exporter()


def _credentials(settings: OTLPSettings) -> grpc.ChannelCredentials:
    paths = (settings.certificate, settings.client_key, settings.client_certificate)
    return grpc.ssl_channel_credentials(*(Path(path).read_bytes() if path else None for path in paths))


def _judging(
    stub: Callable[[grpc.Channel], Any], field: str, what: str, headers: _Headers, verdict: FailureReason
) -> Callable[..., Any]:
    """Return `stub` such that its call fails where the answer rejects records, and leaves the reason of any failure."""

    def judging(channel: grpc.Channel) -> Any:  # noqa: ANN401  the generated stubs are not typed
        made = stub(channel)
        export = made.Export

        def judged(**call: Any) -> Any:  # noqa: ANN401  see above
            verdict.reason = "the backend did not answer"
            try:
                # The exporter would take the environment's headers where none are given.
                answer = export(**{**call, "metadata": headers})
            except grpc.RpcError as error:
                verdict.reason = f"the backend's gRPC status is {error.code().name}"
                raise
            if answer is None:
                # gRPC hands on a success that comes without the message it should bring.
                verdict.reason = NOT_AN_OTLP_RESPONSE
                raise ResponseRejectedError(verdict.reason)
            rejected = getattr(answer.partial_success, field)
            verdict.reason = partial_success_reason(rejected, what) if rejected else ""
            if rejected:
                raise ResponseRejectedError(verdict.reason)
            return answer

        made.Export = judged
        return made

    return judging
