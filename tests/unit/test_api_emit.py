"""`emit` and `emit_span` put the event into the caller's pipeline, and never disturb it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_tbot import Session, StartEvent, emit, emit_span
from otel_tbot.session import current_session

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.trace import ReadableSpan

EVENT = StartEvent(run_mode="daemon", version="18.2.3")


class Logs:
    """A pipeline that keeps log records in memory."""

    def __init__(self) -> None:
        """Create the pipeline."""
        self.memory = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # the SDK's omission
        self.provider = LoggerProvider()
        self.provider.add_log_record_processor(SimpleLogRecordProcessor(self.memory))

    @property
    def records(self) -> tuple[ReadableLogRecord, ...]:
        """The exported records."""
        return tuple(self.memory.get_finished_logs())


class Traces:
    """A pipeline that keeps spans in memory."""

    def __init__(self) -> None:
        """Create the pipeline."""
        self.memory = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.memory))

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """The exported spans."""
        return self.memory.get_finished_spans()


@pytest.mark.usefixtures("opted_in")
def test_log_record() -> None:
    """The record in the caller's pipeline carries the event, its session and a constant body."""
    logs, session = Logs(), Session()
    emit(EVENT, session=session, logger_provider=logs.provider)
    (one,) = logs.records
    record = one.log_record
    assert dict(record.attributes or {}) == {**EVENT.attributes, "session.id": session.id}
    assert (record.event_name, record.body, record.severity_text) == ("tbot.start", "tbot.start", None)
    assert record.severity_number is not None
    assert record.severity_number.value == 9
    assert record.timestamp == record.observed_timestamp
    assert record.timestamp is not None
    assert record.timestamp % 10**9 == 0


@pytest.mark.usefixtures("opted_in")
def test_span() -> None:
    """The span in the caller's pipeline carries the event and its session."""
    traces, session = Traces(), Session()
    emit_span(EVENT, session=session, tracer_provider=traces.provider)
    (span,) = traces.spans
    assert (span.name, span.kind.name) == ("tbot.start", "INTERNAL")
    assert dict(span.attributes or {}) == {**EVENT.attributes, "session.id": session.id}
    assert span.start_time == span.end_time


class FalseProvider(LoggerProvider):
    """A provider that is false in a condition, like one with a length of 0."""

    def __bool__(self) -> bool:
        """Be false."""
        return False


@pytest.mark.usefixtures("opted_in")
def test_a_false_provider_is_used() -> None:
    """Only None means the global pipeline."""
    memory = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # the SDK's
    provider = FalseProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(memory))
    emit(EVENT, logger_provider=provider)
    assert len(memory.get_finished_logs()) == 1


@pytest.mark.usefixtures("opted_in")
def test_no_trace_context() -> None:
    """Neither record nor span has the ids of the active span."""
    logs, traces = Logs(), Traces()
    with TracerProvider().get_tracer("host").start_as_current_span("active"):
        emit(EVENT, logger_provider=logs.provider)
        emit_span(EVENT, tracer_provider=traces.provider)
    assert logs.records[0].log_record.trace_id == 0
    assert traces.spans[0].parent is None


@pytest.mark.usefixtures("opted_in")
def test_session_of_the_process() -> None:
    """Events without a session get this process's."""
    logs = Logs()
    emit(EVENT, logger_provider=logs.provider)
    assert (logs.records[0].log_record.attributes or {})["session.id"] == current_session().id


def test_off() -> None:
    """Without consent nothing enters the pipeline."""
    logs, traces = Logs(), Traces()
    emit(EVENT, logger_provider=logs.provider)
    emit_span(EVENT, tracer_provider=traces.provider)
    assert (logs.records, traces.spans) == ((), ())


@pytest.mark.usefixtures("opted_in")
def test_without_a_pipeline() -> None:
    """Without a configured pipeline, emitting does nothing."""
    emit(EVENT)
    emit_span(EVENT)


@pytest.mark.usefixtures("opted_in")
def test_exception_of_pipeline_does_not_reach_the_caller(caplog: pytest.LogCaptureFixture) -> None:
    """A pipeline that raises is reported in a warning without its text, and the caller continues."""

    class Broken:
        def __getattr__(self, name: str) -> object:
            message = "canary"
            raise RuntimeError(message)

    emit(EVENT, logger_provider=Broken())  # type: ignore[arg-type]  # the mistake under test
    emit_span(EVENT, tracer_provider=Broken())  # type: ignore[arg-type]  # the mistake under test
    assert caplog.messages == ["tbot.start was not emitted: the pipeline failed (RuntimeError)"] * 2
