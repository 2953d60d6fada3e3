"""In code: our components in a user's own pipeline, with any delegate exporter and any sampler."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    ConsoleLogRecordExporter,
    LogRecordExporter,
    LogRecordExportResult,
)
from opentelemetry.sdk.resources import get_aggregated_resources
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from otel_tbot import (
    AnonymousLogExporter,
    AnonymousSpanExporter,
    OptInLogRecordProcessor,
    OptInSampler,
    Session,
    SessionResourceDetector,
    StartEvent,
    emit,
    emit_span,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.trace import ReadableSpan

    from otel_tbot.testing import OTLPReceiver

EVENT = StartEvent(run_mode="one-shot", version="18.2.3")
REMOTE_PARENT = set_span_in_context(
    NonRecordingSpan(SpanContext(trace_id=1, span_id=2, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED)))
)


class ThirdPartyLogs(LogRecordExporter):
    """A third-party exporter."""

    def __init__(self) -> None:
        """Create it without records."""
        self.kept: list[ReadableLogRecord] = []

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Keep the records."""
        self.kept.extend(batch)
        return LogRecordExportResult.SUCCESS

    def shutdown(self) -> None:
        """Do nothing."""

    def force_flush(self, timeout_millis: int = 0) -> bool:
        """Do nothing."""
        return timeout_millis >= 0


class ThirdPartySpans(SpanExporter):
    """A third-party exporter."""

    def __init__(self) -> None:
        """Create it without spans."""
        self.kept: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Keep the spans."""
        self.kept.extend(spans)
        return SpanExportResult.SUCCESS


def emitted_as_log_record(exporter: LogRecordExporter, session: Session) -> None:
    """Emit the event into a pipeline of all our components that ends in an exporter."""
    provider = LoggerProvider(get_aggregated_resources([SessionResourceDetector()]), shutdown_on_exit=False)
    provider.add_log_record_processor(OptInLogRecordProcessor(BatchLogRecordProcessor(AnonymousLogExporter(exporter))))
    emit(EVENT, session=session, logger_provider=provider)
    provider.shutdown()


def emitted_as_span(exporter: SpanExporter, session: Session) -> None:
    """Emit the event into a pipeline of all our components that ends in an exporter."""
    resource = get_aggregated_resources([SessionResourceDetector()])
    provider = TracerProvider(sampler=OptInSampler("always_off"), resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(AnonymousSpanExporter(exporter)))
    emit_span(EVENT, session=session, tracer_provider=provider)
    provider.shutdown()


@pytest.mark.usefixtures("opted_in")
def test_console() -> None:
    """With the console exporters as delegates, only the event is printed, under its session."""
    logs, spans, session = io.StringIO(), io.StringIO(), Session()
    emitted_as_log_record(ConsoleLogRecordExporter(out=logs), session)
    emitted_as_span(ConsoleSpanExporter(out=spans), session)
    for printed in (json.loads(logs.getvalue()), json.loads(spans.getvalue())):
        assert printed["attributes"] == EVENT.attributes
        assert printed["resource"]["attributes"]["session.id"] == session.id


@pytest.mark.usefixtures("opted_in")
def test_third_party() -> None:
    """Any exporter can be the delegate of the anonymous ones."""
    logs, spans, session = ThirdPartyLogs(), ThirdPartySpans(), Session()
    emitted_as_log_record(logs, session)
    emitted_as_span(spans, session)
    assert [dict(one.log_record.attributes or {}) for one in logs.kept] == [EVENT.attributes]
    assert [dict(one.attributes or {}) for one in spans.kept] == [EVENT.attributes]


def test_off() -> None:
    """Without consent nothing reaches the delegate exporter."""
    logs, spans = ThirdPartyLogs(), ThirdPartySpans()
    emitted_as_log_record(logs, Session())
    emitted_as_span(spans, Session())
    assert (logs.kept, spans.kept) == ([], [])


@pytest.mark.parametrize("sampler", [ParentBased(root=OptInSampler()), OptInSampler(ParentBased(ALWAYS_ON)), ALWAYS_ON])
@pytest.mark.parametrize("answer", ["1", "0"])
def test_sampled_parent(
    receiver: OTLPReceiver, monkeypatch: pytest.MonkeyPatch, sampler: ParentBased | OptInSampler, answer: str
) -> None:
    """Under a sampled remote parent, the event is sent exactly with consent, regardless of the sampler."""
    monkeypatch.setenv("TELEPORT_ANONYMOUS_TELEMETRY", answer)
    exporter = AnonymousSpanExporter(protocol="http/protobuf", endpoint=f"{receiver.http_endpoint}/v1/traces")
    provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("host")
    tracer.start_span("tbot.start", context=REMOTE_PARENT, attributes=EVENT.attributes).end()
    provider.shutdown()
    assert [one.attributes for one in receiver.spans] == ([EVENT.attributes] if answer == "1" else [])
    assert receiver.connections == len(receiver.spans)
