"""Reports starts of tbot through pipelines, alternately with and without consent.

`pipeline.py WAY TURN...`: a turn is `VERSION`, or `CONSENT:VERSION` to set the opt-in variable before it. The ways:

- `configured`: the global pipelines, configured from outside by variables or a file;
- `code`: pipelines created here, with OpenTelemetry's own exporters as delegates of the anonymous ones;
- `emit`: pipelines created here, and the two calls that report into them.

All but `emit` create the record and the span with only OpenTelemetry's API, inside a span that is sampled: no sampler
drops them, only the exporter can.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from opentelemetry._logs import LogRecord, get_logger_provider
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import get_tracer_provider

from otel_tbot import AnonymousLogExporter, AnonymousSpanExporter, StartEvent, emit, emit_span

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def main(way: str, turns: Sequence[str]) -> None:
    """Report one start for each turn, as a log record and as a span."""
    loggers, tracers = _PIPELINES[way]()
    report = _emit if way == "emit" else _by_the_api
    for turn in turns:
        consent, colon, version = turn.rpartition(":")
        if colon:
            os.environ["TELEPORT_ANONYMOUS_TELEMETRY"] = consent
        report(StartEvent(run_mode="daemon", version=version), loggers, tracers)
        loggers.force_flush()
        tracers.force_flush()


def _by_the_api(event: StartEvent, loggers: Any, tracers: Any) -> None:  # noqa: ANN401  the API's or the SDK's providers
    tracer = tracers.get_tracer("host")
    with tracer.start_as_current_span("parent of the host"):
        loggers.get_logger("host").emit(LogRecord(event_name="tbot.start", attributes=event.attributes))
        tracer.start_span("tbot.start", attributes=event.attributes).end()


def _emit(event: StartEvent, loggers: LoggerProvider, tracers: TracerProvider) -> None:
    emit(event, logger_provider=loggers)
    emit_span(event, tracer_provider=tracers)


def _configured() -> tuple[Any, Any]:
    return get_logger_provider(), get_tracer_provider()


def _in_code() -> tuple[LoggerProvider, TracerProvider]:
    if os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"] == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc import _log_exporter, trace_exporter  # noqa: PLC0415  one of the two

        return _pipelines(
            AnonymousLogExporter(_log_exporter.OTLPLogExporter()),
            AnonymousSpanExporter(trace_exporter.OTLPSpanExporter()),
        )
    from opentelemetry.exporter.otlp.proto.http import _log_exporter as http_log  # noqa: PLC0415  one of the two
    from opentelemetry.exporter.otlp.proto.http import trace_exporter as http_trace  # noqa: PLC0415

    return _pipelines(
        AnonymousLogExporter(http_log.OTLPLogExporter()), AnonymousSpanExporter(http_trace.OTLPSpanExporter())
    )


def _for_emit() -> tuple[LoggerProvider, TracerProvider]:
    return _pipelines(AnonymousLogExporter(), AnonymousSpanExporter())


def _pipelines(
    log_exporter: AnonymousLogExporter, span_exporter: AnonymousSpanExporter
) -> tuple[LoggerProvider, TracerProvider]:
    loggers, tracers = LoggerProvider(), TracerProvider()
    loggers.add_log_record_processor(BatchLogRecordProcessor(log_exporter))
    tracers.add_span_processor(BatchSpanProcessor(span_exporter))
    return loggers, tracers


_PIPELINES: dict[str, Callable[[], tuple[Any, Any]]] = {
    "configured": _configured,
    "code": _in_code,
    "emit": _for_emit,
}

if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
