"""The log-record processor passes our event on with consent, and never anything else."""

from __future__ import annotations

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor

from otel_tbot import OptInLogRecordProcessor


def names_passed() -> list[str | None]:
    """Return the event names of the records that pass the processor."""
    memory = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # the SDK's omission
    provider = LoggerProvider()
    provider.add_log_record_processor(OptInLogRecordProcessor(SimpleLogRecordProcessor(memory)))
    for name in ("tbot.start", "other", None):
        provider.get_logger("test").emit(LogRecord(event_name=name, body="text"))
    provider.force_flush()
    provider.shutdown()
    return [one.log_record.event_name for one in memory.get_finished_logs()]


def test_off() -> None:
    """Without consent no record passes."""
    assert names_passed() == []


@pytest.mark.usefixtures("opted_in")
def test_on() -> None:
    """With consent only our event passes."""
    assert names_passed() == ["tbot.start"]


@pytest.mark.usefixtures("opted_in")
def test_exception_of_next_processor_does_not_reach_the_application() -> None:
    """The application that emits never sees an exception of the next processor."""

    class Broken(LogRecordProcessor):
        def on_emit(self, log_record: object) -> None:  # noqa: ARG002  the SDK's signature
            raise RuntimeError

        def shutdown(self) -> None:
            """Do nothing."""

        def force_flush(self, timeout_millis: int = 0) -> bool:
            """Do nothing."""
            return timeout_millis == 0

    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(OptInLogRecordProcessor(Broken()))
    provider.get_logger("test").emit(LogRecord(event_name="tbot.start"))
