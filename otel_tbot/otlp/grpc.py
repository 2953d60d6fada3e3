"""OTLP over gRPC with an honest result: records that the backend rejects make the export fail.

The OTLP exporters do not read the response. Their common base takes the stub as an argument: ours checks the response.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import grpc
from opentelemetry.exporter.otlp.proto.grpc.exporter import OTLPExporterMixin
from opentelemetry.metrics import NoOpMeterProvider

from otel_tbot.opt_in import consent
from otel_tbot.otlp.failure_reason import (
    CLOSED,
    HOST_NOT_FOUND,
    NO_CONNECTION,
    NOT_AN_OTLP_RESPONSE,
    NOT_GRPC,
    REFUSED,
    TLS_FAILED,
    FailureReason,
    partial_success_reason,
)
from otel_tbot.otlp.grpc_guard import require_resources
from otel_tbot.otlp.sdk_compat import supported_arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    from otel_tbot.otlp.settings import OTLPSettings

    _Headers = tuple[tuple[str, str], ...]


class FinalError(grpc.RpcError):
    """The exporter must not try again, in the form in which gRPC reports a failed call. The message is the reason."""

    def code(self) -> grpc.StatusCode:
        """Return a status that no exporter retries."""
        return grpc.StatusCode.INVALID_ARGUMENT

    def details(self) -> str:
        """Return the reason."""
        return str(self)

    def trailing_metadata(self) -> tuple[()]:
        """Return nothing: the exporter must not retry."""
        return ()


class _SignalClasses(NamedTuple):
    """What differs between the signals.

    Attributes:
        exporter: the OTLP exporter.
        result: the exporter's enumeration of results.
        stub: the generated stub of the collector's service.
        rejected_field: the count of rejected records in the response.
        what: what that field counts.
    """

    exporter: Any
    result: Any
    stub: Callable[[grpc.Channel], Any]
    rejected_field: str
    what: str


def _logs() -> _SignalClasses:
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter  # noqa: PLC0415
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub  # noqa: PLC0415
    from opentelemetry.sdk._logs.export import LogRecordExportResult  # noqa: PLC0415

    return _SignalClasses(
        OTLPLogExporter, LogRecordExportResult, LogsServiceStub, "rejected_log_records", "log record(s)"
    )


def _traces() -> _SignalClasses:
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import SpanExportResult  # noqa: PLC0415

    return _SignalClasses(OTLPSpanExporter, SpanExportResult, TraceServiceStub, "rejected_spans", "span(s)")


# Functions, so that each signal loads only its own messages.
_SIGNALS = {"logs": _logs, "traces": _traces}


def grpc_exporter(
    settings: OTLPSettings, failure: FailureReason, files: Mapping[str, bytes | None]
) -> OTLPLogExporter | OTLPSpanExporter:
    """Return the OTLP exporter over gRPC that the settings describe.

    Args:
        settings: where and how.
        failure: receives the reason when an export fails.
        files: the contents of the files that the settings name, by setting.

    Raises:
        SettingsError: the process has too few descriptors or too little memory for gRPC.
    """
    require_resources()
    classes = _SIGNALS[settings.signal]()
    stub: Any = partial(_CheckedStub, classes, tuple(settings.headers.items()), failure)
    keywords = grpc_arguments(OTLPExporterMixin, settings, files)

    class Exporter(classes.exporter):  # type: ignore[misc, name-defined]  # one of two, known at run time
        def __init__(self) -> None:
            # Not the parent's constructor: it would read the environment again, and takes no stub.
            OTLPExporterMixin.__init__(self, stub=stub, result=classes.result, **keywords)

    return Exporter()


def grpc_arguments(exporter: type, settings: OTLPSettings, files: Mapping[str, bytes | None]) -> dict[str, Any]:
    """Return the arguments of an OTLP exporter over gRPC, so that it reads no global and no variable.

    Args:
        exporter: its class, or their common base.
        settings: where and how.
        files: the contents of the files that the settings name, by setting.
    """
    codes = [grpc.StatusCode[name] for name in settings.retryable_codes]
    return {
        "endpoint": settings.endpoint,
        "insecure": _is_insecure(settings),
        "credentials": grpc.ssl_channel_credentials(
            files["certificate"], files["client_key"], files["client_certificate"]
        ),
        "timeout": settings.timeout,
        "compression": grpc.Compression.Gzip if settings.compression == "gzip" else grpc.Compression.NoCompression,
        # Otherwise gRPC tries to connect for 20 s, also after its channel was closed.
        "channel_options": (("grpc.min_reconnect_backoff_ms", max(1, int(settings.timeout * 1000))),),
        # Otherwise it would count in the host's metrics, and could even create and set the global provider.
        **supported_arguments(exporter, meter_provider=NoOpMeterProvider(), retryable_error_codes=codes),
    }


def _is_insecure(settings: OTLPSettings) -> bool:
    """Return whether to connect without TLS: the endpoint's scheme decides, or without one the setting."""
    scheme, separator, _ = settings.endpoint.partition("://")
    if separator and scheme in {"http", "https"}:
        return scheme == "http"
    return bool(settings.insecure)


class _CheckedStub:
    """A stub that fails if the response rejects records, and keeps the reason of any failure."""

    def __init__(
        self, classes: _SignalClasses, headers: _Headers, failure: FailureReason, channel: grpc.Channel
    ) -> None:
        self._classes = classes
        self._headers = headers
        self._failure = failure
        self._export = classes.stub(channel).Export

    def Export(self, **call: Any) -> Any:  # noqa: ANN401, N802  the generated stub's name; its types are not known
        decision = consent()
        if not decision:
            self._fail(decision.reason)
        self._failure.reason = "the backend did not answer"
        try:
            # Without headers the exporter would use those of the environment.
            response = self._export(**{**call, "metadata": self._headers})
        except grpc.RpcError as error:
            self._failure.reason = _describe_error(error)
            raise
        self._failure.reason = ""
        rejection = self._rejection(response)
        if rejection:
            self._fail(rejection)
        return response

    def _fail(self, reason: str) -> NoReturn:
        self._failure.reason = reason
        raise FinalError(reason)

    def _rejection(self, response: Any) -> str:  # noqa: ANN401  the generated messages are not typed
        if response is None:  # gRPC returns None for a success without a message
            return NOT_AN_OTLP_RESPONSE
        rejected = getattr(response.partial_success, self._classes.rejected_field)
        return partial_success_reason(rejected, self._classes.what) if rejected else ""


# What gRPC itself reports if no backend has answered.
_LOCAL_ERRORS = ("failed to connect to all addresses", "errors resolving", "DNS resolution failed")
_CONNECTION_ERRORS = (
    ("Connection refused", REFUSED),
    ("Domain name not found", HOST_NOT_FOUND),
    ("Name or service not known", HOST_NOT_FOUND),
    ("DNS resolution failed", HOST_NOT_FOUND),
    ("Failed parsing HTTP/2", NOT_GRPC),
    ("Trying to connect an http1.x server", NOT_GRPC),
    ("handshake failed", TLS_FAILED),
    ("verification check failed", TLS_FAILED),
    ("Socket closed", CLOSED),
    ("Connection reset", CLOSED),
)


def _describe_error(error: Any) -> str:  # noqa: ANN401  a failed call, whose type gRPC does not name
    """Return the reason in our words: gRPC's text names addresses, and a backend's may contain anything."""
    details = error.details() or ""
    if details.startswith(_LOCAL_ERRORS):
        return next((reason for text, reason in _CONNECTION_ERRORS if text in details), NO_CONNECTION)
    return f"the backend's gRPC status is {error.code().name}"
