"""`emit` and `emit_span` put the event into a pipeline of the caller's, and never disturb it."""

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
    """A pipeline for log records into memory."""

    def __init__(self) -> None:
        """Put it together."""
        self.memory = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # the SDK's omission
        self.provider = LoggerProvider()
        self.provider.add_log_record_processor(SimpleLogRecordProcessor(self.memory))

    @property
    def records(self) -> tuple[ReadableLogRecord, ...]:
        """What came to its end."""
        return tuple(self.memory.get_finished_logs())


class Traces:
    """A pipeline for spans into memory."""

    def __init__(self) -> None:
        """Put it together."""
        self.memory = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.memory))

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """What came to its end."""
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
    """A provider that is false in a condition, as one with a length of 0 would be."""

    def __bool__(self) -> bool:
        """Be false."""
        return False


@pytest.mark.usefixtures("opted_in")
def test_a_provider_is_used_whatever_it_is_in_a_condition() -> None:
    """Only None stands for the global pipeline."""
    memory = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # the SDK's
    provider = FalseProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(memory))
    emit(EVENT, logger_provider=provider)
    assert len(memory.get_finished_logs()) == 1


@pytest.mark.usefixtures("opted_in")
def test_no_trace_context() -> None:
    """Neither carries the ids of the span that is active around it."""
    logs, traces = Logs(), Traces()
    with TracerProvider().get_tracer("host").start_as_current_span("active"):
        emit(EVENT, logger_provider=logs.provider)
        emit_span(EVENT, tracer_provider=traces.provider)
    assert logs.records[0].log_record.trace_id == 0
    assert traces.spans[0].parent is None


@pytest.mark.usefixtures("opted_in")
def test_session_of_the_process() -> None:
    """Events that name no session belong to this process's."""
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
    """Where the host configured none, emitting does nothing."""
    emit(EVENT)
    emit_span(EVENT)


@pytest.mark.usefixtures("opted_in")
def test_a_broken_pipeline_does_not_reach_the_caller(caplog: pytest.LogCaptureFixture) -> None:
    """A pipeline that raises is reported in a warning without its text, and the caller goes on."""

    class Broken:
        def __getattr__(self, name: str) -> object:
            message = "canary"
            raise RuntimeError(message)

    emit(EVENT, logger_provider=Broken())  # type: ignore[arg-type]  # the very fault
    emit_span(EVENT, tracer_provider=Broken())  # type: ignore[arg-type]  # the very fault
    assert caplog.messages == ["tbot.start was not emitted: the pipeline failed (RuntimeError)"] * 2
