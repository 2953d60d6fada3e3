"""Both exporters send our event, rebuilt, and nothing else, for any input and after any failure."""

from __future__ import annotations

import logging
import re
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, LogRecordExportResult, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from otel_tbot import AnonymousLogExporter, AnonymousSpanExporter, Session, StartEvent, emit, emit_span, records
from otel_tbot.session import current_session
from otel_tbot.testing import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_tbot.testing import OTLPReceiver

# Loaded before any test, so that no short timeout includes an import.
for _transport in ("otel_tbot.otlp.http", "otel_tbot.otlp.grpc"):
    import_module(_transport)

SECRET = "secret-of-the-host"
EVENT = StartEvent(run_mode="one-shot", version="18.2.3", join_type="github", destinations_application=2)
SESSION_ID = "5f0e8a52-9c1f-4b8e-a7d3-2a6f0c7be1d4"
TIME = 1_700_000_000_123_456_789
WHOLE_SECOND = 1_700_000_000_000_000_000


def log_in_a_host(attributes: Any, name: Any = "tbot.start") -> ReadableLogRecord:  # noqa: ANN401  any value is possible
    """Return a record like one in a host's pipeline, with much that must not be sent."""
    record = LogRecord(
        timestamp=TIME,
        observed_timestamp=TIME + 5,
        severity_text=SECRET,
        severity_number=SeverityNumber.FATAL,
        body=SECRET,
        attributes=attributes,
        event_name=name,
    )
    record.trace_id, record.span_id = 1, 2
    scope = InstrumentationScope(SECRET, SECRET, SECRET, {"scope": SECRET})
    return ReadableLogRecord(record, Resource({"host.name": SECRET}, SECRET), scope)


def span_in_a_host(attributes: Any, name: Any = "tbot.start") -> ReadableSpan:  # noqa: ANN401  any value is possible
    """Return a span like one in a host's pipeline, with much that must not be sent."""
    with (
        TracerProvider(resource=Resource({"host.name": SECRET}))
        .get_tracer(SECRET, SECRET)
        .start_as_current_span("parent") as parent
    ):
        parent.add_event(SECRET)
        context = parent.get_span_context()
    return ReadableSpan(
        name=name,
        context=context,
        parent=context,
        resource=Resource({"host.name": SECRET}),
        attributes=attributes,
        events=parent.events,  # type: ignore[attr-defined]  # an SDK span has them
        start_time=TIME,
        end_time=TIME + 1,
        instrumentation_scope=InstrumentationScope(SECRET, SECRET),
    )


class Rig:
    """An anonymous exporter of one signal that passes on to one in memory."""

    def __init__(self, signal: str) -> None:
        """Connect the two exporters."""
        self.memory: Any
        self.success: Any
        self.exporter: Any
        self.in_a_host: Callable[..., Any]
        if signal == "logs":
            self.memory = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # the SDK's omission
            self.exporter = AnonymousLogExporter(self.memory)
            self.in_a_host, self.success = log_in_a_host, LogRecordExportResult.SUCCESS
        else:
            self.memory = InMemorySpanExporter()
            self.exporter = AnonymousSpanExporter(self.memory)
            self.in_a_host, self.success = span_in_a_host, SpanExportResult.SUCCESS
        self.signal = signal

    def passed(self) -> list[Any]:
        """Return the records or spans that were passed on."""
        finished = self.memory.get_finished_logs() if self.signal == "logs" else self.memory.get_finished_spans()
        return list(finished)

    def bytes_of(self, items: list[Any]) -> bytes:
        """Return the bytes that would be sent for some records or spans."""
        return records.encode_request(self.signal, items).SerializeToString()  # type: ignore[arg-type]  # one of the two

    def expected(self, session_id: str, event: StartEvent = EVENT) -> dict[str, Any]:
        """Return the expected content of an event that was passed on."""
        return {
            "attributes": event.attributes,
            "resource": dict(records.build_resource(Session(id=session_id)).attributes),
        }

    def seen(self, item: Any) -> dict[str, Any]:  # noqa: ANN401  a record or a span
        """Return the content of one record or span."""
        attributes = item.log_record.attributes if self.signal == "logs" else item.attributes
        return {"attributes": dict(attributes), "resource": dict(item.resource.attributes)}


@pytest.fixture(params=["logs", "traces"])
def rig(request: pytest.FixtureRequest) -> Rig:
    """One rig for each signal."""
    return Rig(request.param)


@pytest.mark.usefixtures("opted_in")
class TestConstruction:
    """Records and spans are rebuilt before they are sent."""

    def test_nothing_of_the_host_is_sent(self, rig: Rig) -> None:
        """No text that the host attached anywhere is in the bytes that are sent."""
        attributes = {**EVENT.attributes, "session.id": SESSION_ID, "extra": SECRET, "host.name": SECRET}
        assert rig.exporter.export([rig.in_a_host(attributes)]) is rig.success
        (item,) = rig.passed()
        assert rig.seen(item) == rig.expected(SESSION_ID)
        assert SECRET.encode() not in rig.bytes_of([item])

    def test_log_record(self) -> None:
        """A log record has exactly the fields of the contract."""
        rig = Rig("logs")
        rig.exporter.export([rig.in_a_host(EVENT.attributes)])
        (item,) = rig.passed()
        record = item.log_record
        assert (record.timestamp, record.observed_timestamp) == (WHOLE_SECOND, WHOLE_SECOND)
        assert (record.event_name, record.severity_number) == ("tbot.start", SeverityNumber.INFO)
        assert (record.body, record.severity_text) == ("tbot.start", None)
        assert (record.trace_id, record.span_id, record.trace_flags) == (0, 0, 0)
        assert item.dropped_attributes == 0
        assert item.instrumentation_scope == InstrumentationScope("otel_tbot", "0.1.0")
        assert item.resource.schema_url == ""

    def test_span(self) -> None:
        """A span has exactly the fields of the contract."""
        rig = Rig("traces")
        original = rig.in_a_host(EVENT.attributes)
        rig.exporter.export([original])
        (item,) = rig.passed()
        assert (item.start_time, item.end_time) == (WHOLE_SECOND, WHOLE_SECOND)
        assert (item.name, item.kind.name, item.status.status_code.name) == ("tbot.start", "INTERNAL", "UNSET")
        assert (item.parent, list(item.events), list(item.links)) == (None, [], [])
        assert not item.context.trace_state
        assert item.context.trace_id != original.context.trace_id
        assert item.context.span_id != original.context.span_id
        assert item.instrumentation_scope == InstrumentationScope("otel_tbot", "0.1.0")

    @pytest.mark.parametrize("name", ["tbot.stop", "", None, "tbot.start ", 7, ["tbot.start"]])
    def test_other_names_are_dropped(self, rig: Rig, name: object) -> None:
        """A record or span with another name is dropped."""
        assert rig.exporter.export([rig.in_a_host(EVENT.attributes, name)]) is rig.success
        assert rig.passed() == []

    @pytest.mark.parametrize(
        "attributes",
        [
            None,
            {},
            7,
            [("tbot.run_mode", "daemon")],
            {"tbot.run_mode": "other"},
            {"tbot.run_mode": ["daemon"]},
            {"tbot.run_mode": "daemon", "tbot.destinations_other": -1},
            {"tbot.run_mode": "daemon", "tbot.destinations_other": "1"},
            {"tbot.run_mode": "daemon", "tbot.destinations_other": float("nan")},
            {"tbot.run_mode": "daemon", "tbot.destinations_other": None},
        ],
    )
    def test_broken_events_are_dropped(self, rig: Rig, attributes: object) -> None:
        """An event with an invalid value is dropped without an exception."""
        assert rig.exporter.export([rig.in_a_host(attributes)]) is rig.success
        assert rig.passed() == []

    def test_broken_event_is_reported_once(self, rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
        """An invalid event is reported once, with the name of the attribute and without its value."""
        for _ in range(2):
            rig.exporter.export([rig.in_a_host({"tbot.run_mode": SECRET}), rig.in_a_host({"other": 1}, "other")])
        assert caplog.messages == ["a record of tbot.start was dropped: tbot.run_mode must be one-shot or daemon"]

    def test_mixed_batch(self, rig: Rig) -> None:
        """Only our events of a host's batch are sent."""
        batch = [
            rig.in_a_host({"message": SECRET}, "other"),
            rig.in_a_host(EVENT.attributes),
            rig.in_a_host({"tbot.run_mode": SECRET}),
        ]
        assert rig.exporter.export(batch) is rig.success
        assert [rig.seen(item)["attributes"] for item in rig.passed()] == [EVENT.attributes]

    @pytest.mark.parametrize("session_id", [None, "", "host-1", 7, "5f0e8a52-9c1f-1b8e-a7d3-2a6f0c7be1d4"])
    def test_process_session_replaces_invalid_one(self, rig: Rig, session_id: object) -> None:
        """An event whose session id is missing or not a random UUID gets this process's session."""
        rig.exporter.export([rig.in_a_host({**EVENT.attributes, "session.id": session_id})])
        (item,) = rig.passed()
        assert rig.seen(item) == rig.expected(current_session().id)

    def test_one_resource_per_session(self, rig: Rig) -> None:
        """A batch with several sessions has one resource for each."""
        ids = [SESSION_ID, Session().id, SESSION_ID]
        rig.exporter.export([rig.in_a_host({**EVENT.attributes, "session.id": one}) for one in ids])
        request = records.encode_request(rig.signal, rig.passed())  # type: ignore[arg-type]  # one of the two
        resources = request.resource_logs if rig.signal == "logs" else request.resource_spans  # type: ignore[attr-defined]
        assert len(resources) == 2

    @pytest.mark.parametrize("time", [None, 0, -5, 2**63, "now", True])
    def test_invalid_time_becomes_now(self, time: Any) -> None:  # noqa: ANN401  any value is possible
        """A record without a usable time is sent with the current time, truncated to the second."""
        rig = Rig("logs")
        record = rig.in_a_host(EVENT.attributes)
        record.log_record.timestamp = record.log_record.observed_timestamp = time
        rig.exporter.export([record])
        (item,) = rig.passed()
        assert item.log_record.timestamp > WHOLE_SECOND
        assert item.log_record.timestamp % 10**9 == 0


class TestConsent:
    """Consent is checked inside `export()`."""

    def test_off(self, rig: Rig) -> None:
        """Without consent nothing is passed on, and the host sees no failure."""
        assert rig.exporter.export([rig.in_a_host(EVENT.attributes)]) is rig.success
        assert rig.passed() == []

    def test_takes_effect_at_the_next_export(self, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
        """Consent given or withdrawn while the process runs counts from the next export on."""
        record = rig.in_a_host(EVENT.attributes)
        rig.exporter.export([record])
        monkeypatch.setenv("TELEPORT_ANONYMOUS_TELEMETRY", "1")
        rig.exporter.export([record])
        monkeypatch.setenv("TELEPORT_ANONYMOUS_TELEMETRY", "0")
        rig.exporter.export([record])
        assert len(rig.passed()) == 1

    def test_value_that_only_tbot_accepts_is_reported_once(
        self, rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """If tbot itself reads the value as true and we do not, one warning says so."""
        monkeypatch.setenv("TELEPORT_ANONYMOUS_TELEMETRY", "true")
        for _ in range(3):
            rig.exporter.export([rig.in_a_host(EVENT.attributes)])
        assert rig.passed() == []
        assert len(caplog.messages) == 1
        assert "tbot itself reads this value as true" in caplog.messages[0]


@pytest.mark.usefixtures("opted_in")
class TestFailures:
    """Any problem is a failure of the export, logged once, and never an exception."""

    @pytest.mark.parametrize("exporter", [AnonymousLogExporter, AnonymousSpanExporter])
    @pytest.mark.parametrize(
        "variable",
        ["PROTOCOL=canary", "HEADERS=canary", "CERTIFICATE=/canary", "ENDPOINT=canary"],
    )
    def test_unusable_variable(
        self,
        exporter: Any,  # noqa: ANN401  a class of either kind
        variable: str,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """An invalid variable causes one warning with its name and without its value."""
        name, _, value = variable.partition("=")
        monkeypatch.setenv(f"OTEL_EXPORTER_OTLP_{name}", value)
        made = exporter()
        item = (log_in_a_host if exporter is AnonymousLogExporter else span_in_a_host)(EVENT.attributes)
        results = {made.export([item]).name for _ in range(3)}
        made.shutdown()
        assert results == {"FAILURE"}
        (message,) = caplog.messages
        assert f"OTEL_EXPORTER_OTLP_{name}" in message
        assert "canary" not in message

    @pytest.mark.parametrize("exporter", [AnonymousLogExporter, AnonymousSpanExporter])
    @pytest.mark.parametrize("variable", ["TIMEOUT=canary", "COMPRESSION=canary", "INSECURE=canary"])
    def test_unparsable_variable(
        self,
        exporter: Any,  # noqa: ANN401  a class of either kind
        variable: str,
        receiver: OTLPReceiver,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """An invalid transport variable causes one warning, too, and the default applies."""
        name, _, value = variable.partition("=")
        monkeypatch.setenv(f"OTEL_EXPORTER_OTLP_{name}", value)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.http_endpoint)
        made = exporter()
        item = (log_in_a_host if exporter is AnonymousLogExporter else span_in_a_host)(EVENT.attributes)
        results = {made.export([item]).name for _ in range(3)}
        made.shutdown()
        assert results == {"SUCCESS"}
        assert len(receiver.requests) == 3
        (message,) = caplog.messages
        assert f"OTEL_EXPORTER_OTLP_{name}" in message
        assert "canary" not in message

    def test_cause_with_a_number(self, receiver: OTLPReceiver, caplog: pytest.LogCaptureFixture) -> None:
        """Causes that differ only in the backend's number are reported once; another cause is reported, too."""
        receiver.reply(*(Reply(rejected=count) for count in (1, 2, 3)), Reply(status=404), Reply(status=400))
        made = AnonymousLogExporter(endpoint=f"{receiver.http_endpoint}/v1/logs")
        for _ in range(5):
            made.export([log_in_a_host(EVENT.attributes)])
        made.shutdown()
        assert [message.partition(": ")[2] for message in caplog.messages] == [
            "the backend rejected 1 log record(s)",
            "the backend answered HTTP 404",
            "the backend answered HTTP 400",
        ]

    @pytest.mark.parametrize("exporter", [AnonymousLogExporter, AnonymousSpanExporter])
    def test_unknown_keyword(self, exporter: Any, caplog: pytest.LogCaptureFixture) -> None:  # noqa: ANN401
        """An unknown keyword, as a declarative file may hold, is reported and does not abort the host's setup."""
        made = exporter(canary="canary")
        item = (log_in_a_host if exporter is AnonymousLogExporter else span_in_a_host)(EVENT.attributes)
        assert made.export([item]).name == "FAILURE"
        assert "takes only the keywords" in caplog.text
        assert "canary" not in caplog.text

    @pytest.mark.parametrize("exporter", [AnonymousLogExporter, AnonymousSpanExporter])
    def test_declarative_exporter(self, exporter: Any, caplog: pytest.LogCaptureFixture) -> None:  # noqa: ANN401
        """The value of `exporter` in a declarative file is not an exporter, and is reported like an unknown keyword."""
        made = exporter(exporter={"canary": None})
        item = (log_in_a_host if exporter is AnonymousLogExporter else span_in_a_host)(EVENT.attributes)
        assert made.force_flush()
        assert made.export([item]).name == "FAILURE"
        made.shutdown()
        assert "takes only the keywords" in caplog.text
        assert "canary" not in caplog.text

    def test_an_exporter_that_raises(self, rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
        """An exception of the delegate exporter is a failure, reported without its text, which may contain anything."""

        def fail(_: object) -> None:
            raise OSError(SECRET)

        rig.memory.export = fail
        assert rig.exporter.export([rig.in_a_host(EVENT.attributes)]) is not rig.success
        assert "OSError" in caplog.text
        assert SECRET not in caplog.text

    def test_shutdown_and_flush_reach_the_delegate(self, rig: Rig) -> None:
        """Flush and shutdown are passed on."""
        called: list[object] = []
        rig.memory.force_flush = called.append
        rig.memory.shutdown = lambda: called.append("shutdown")
        rig.exporter.force_flush(17)
        rig.exporter.shutdown()
        assert called == [17, "shutdown"]

    def test_unused_exporters_shut_down_quietly(self, caplog: pytest.LogCaptureFixture) -> None:
        """An exporter that never sent anything can be shut down, even twice."""
        for exporter in (AnonymousLogExporter(), AnonymousSpanExporter()):
            assert exporter.force_flush()
            exporter.shutdown()
            exporter.shutdown()
        assert caplog.messages == []


@pytest.mark.usefixtures("opted_in")
class TestPipeline:
    """In a pipeline of the SDK, to a backend."""

    def test_log_record(self, receiver: OTLPReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
        """`emit` through a host's logger provider arrives without any data of the host."""
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.http_endpoint)
        provider = LoggerProvider(Resource({"host.name": SECRET}))
        provider.add_log_record_processor(SimpleLogRecordProcessor(AnonymousLogExporter()))
        session = Session()
        with TracerProvider().get_tracer("host").start_as_current_span("active"):
            emit(EVENT, session=session, logger_provider=provider)
        provider.shutdown()
        (record,) = receiver.log_records
        assert record.attributes == EVENT.attributes
        assert record.resource_attributes == dict(records.build_resource(session).attributes)
        assert record.log_record.trace_id == b""

    def test_span(self, receiver: OTLPReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
        """`emit_span` through a host's tracer provider arrives without any data of the host."""
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.http_endpoint)
        provider = TracerProvider(resource=Resource({"host.name": SECRET}))
        provider.add_span_processor(SimpleSpanProcessor(AnonymousSpanExporter()))
        session = Session()
        with provider.get_tracer("host").start_as_current_span("active"):
            emit_span(EVENT, session=session, tracer_provider=provider)
        provider.shutdown()
        (span,) = receiver.spans
        assert span.attributes == EVENT.attributes
        assert span.resource_attributes == dict(records.build_resource(session).attributes)
        assert span.span.parent_span_id == b""

    @pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
    def test_one_warning_per_cause(
        self, protocol: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A dead backend is reported in one warning, and the exporters' own messages about it are suppressed."""
        caplog.set_level(logging.DEBUG, "opentelemetry")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
        for _ in range(3):  # on a busy machine, one of two exports may have another cause: the timeout
            caplog.clear()
            exporter = AnonymousLogExporter(timeout=0.7)  # seconds; less than the first pause, so that it ends at once
            for _ in range(2):
                assert exporter.export([log_in_a_host(EVENT.attributes)]) is LogRecordExportResult.FAILURE
            exporter.shutdown()
            warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
            if not [warning for warning in warnings if re.search("within|DEADLINE_EXCEEDED", warning)]:
                break
        assert len(warnings) == 1
