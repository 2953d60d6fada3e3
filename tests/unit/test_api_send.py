"""`send` delivers one event, reports the true outcome, keeps its deadline, and changes nothing of the host's."""

from __future__ import annotations

import logging
import os
import random
import socket
import threading
import time
from collections import Counter
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import opentelemetry._logs
import opentelemetry.trace
import pytest
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as OTLPLogsGRPC
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as OTLPLogsHTTP
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.sdk.trace import TracerProvider

from otel_tbot import Outcome, Session, StartEvent, records, send
from otel_tbot.otlp import client
from otel_tbot.testing import OTLPReceiver, Reply
from tests.support.black_hole import black_hole
from tests.support.collector import wait_until
from tests.support.faults.delivery import wait_for_own_threads

if TYPE_CHECKING:
    from collections.abc import Iterator

# Loaded before any test: within a short timeout the first import would outlive its test, and fail in the next one's.
for _transport in ("otel_tbot.otlp.http", "otel_tbot.otlp.grpc"):
    import_module(_transport)

EVENT = StartEvent(run_mode="one-shot", version="18.2.3", join_type="token", destinations_other=1)
PROTOCOLS = ("http/protobuf", "grpc")


@pytest.fixture(params=PROTOCOLS)
def protocol(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Send over each of the two protocols."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", request.param)
    return str(request.param)


@pytest.fixture
def backend(receiver: OTLPReceiver, protocol: str, monkeypatch: pytest.MonkeyPatch) -> OTLPReceiver:
    """Point the standard variable at a backend."""
    endpoint = receiver.grpc_endpoint if protocol == "grpc" else receiver.http_endpoint
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    return receiver


@pytest.fixture
def _no_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with black_hole() as port:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
        yield


def test_off(backend: OTLPReceiver) -> None:
    """Without consent the outcome is off and says why, and no connection is opened."""
    assert send(EVENT) == Outcome(status="off", reason="TELEPORT_ANONYMOUS_TELEMETRY is not set")
    assert (backend.requests, backend.connections) == ([], 0)


@pytest.mark.usefixtures("opted_in")
def test_log_record(backend: OTLPReceiver) -> None:
    """By default the event arrives as a log record, exactly as the contract says."""
    session = Session()
    assert send(EVENT, session=session) == Outcome(status="sent")
    (record,) = backend.log_records
    sent = record.log_record
    assert record.attributes == EVENT.attributes
    assert record.resource_attributes == dict(records.build_resource(session).attributes)
    assert (record.scope.name, record.scope.version, len(record.scope.attributes)) == ("otel_tbot", "0.1.0", 0)
    assert (sent.event_name, sent.severity_number, sent.severity_text) == ("tbot.start", 9, "")
    assert sent.body.string_value == "tbot.start"
    assert (sent.trace_id, sent.span_id, sent.flags, sent.dropped_attributes_count) == (b"", b"", 0, 0)
    assert sent.time_unix_nano == sent.observed_time_unix_nano
    assert sent.time_unix_nano % 10**9 == 0
    assert 0 <= time.time() - sent.time_unix_nano / 10**9 < 60


@pytest.mark.usefixtures("opted_in")
def test_span(backend: OTLPReceiver) -> None:
    """As a span the event has the same attributes and resource, no parent, and its own ids."""
    session = Session()
    assert send(EVENT, session=session, signal="traces") == Outcome(status="sent")
    (span,) = backend.spans
    sent = span.span
    assert span.attributes == EVENT.attributes
    assert span.resource_attributes == dict(records.build_resource(session).attributes)
    assert (sent.name, sent.kind, sent.status.code, sent.status.message) == ("tbot.start", 1, 0, "")
    assert (sent.parent_span_id, sent.trace_state, list(sent.events), list(sent.links)) == (b"", "", [], [])
    assert (len(sent.trace_id), len(sent.span_id)) == (16, 8)
    assert sent.start_time_unix_nano == sent.end_time_unix_nano
    assert sent.start_time_unix_nano % 10**9 == 0


@pytest.mark.usefixtures("opted_in")
def test_a_session_for_each_start(backend: OTLPReceiver) -> None:
    """Two starts share no id, and two events of one start share its session."""
    session = Session()
    for one in (None, None, session, session):
        assert send(EVENT, session=one).status == "sent"
    first, second, third, fourth = (record.resource_attributes["session.id"] for record in backend.log_records)
    assert len({first, second, session.id}) == 3
    assert third == fourth == session.id


@pytest.mark.usefixtures("opted_in")
def test_span_ids_do_not_follow_the_seed(backend: OTLPReceiver) -> None:
    """A host that seeds Python's generator does not make the ids of spans predictable."""
    for _ in range(2):
        random.seed(0)
        assert send(EVENT, signal="traces").status == "sent"
    first, second = backend.spans
    assert first.span.trace_id != second.span.trace_id
    assert first.span.span_id != second.span.span_id


@pytest.mark.usefixtures("opted_in")
def test_limits_of_the_environment_do_not_count(backend: OTLPReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits and resource attributes that the host set for itself have no effect on what is sent."""
    for name in (
        "OTEL_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    ):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "nonsense")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "host.name=canary")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "canary")
    assert [send(EVENT, signal=signal).status for signal in ("logs", "traces")] == ["sent", "sent"]
    assert backend.log_records[0].attributes == backend.spans[0].attributes == EVENT.attributes
    assert not [request for request in backend.requests if b"canary" in request.body]


@pytest.mark.usefixtures("opted_in")
def test_forged_event(backend: OTLPReceiver) -> None:
    """An object with other attributes is reduced to the nine, or rejected; it is never sent unchanged."""

    class Forged(StartEvent):
        @property
        def attributes(self) -> dict[str, str | int]:  # type: ignore[override]  # forged
            return {**super().attributes, "user.email": "canary", "tbot.helper": "canary@canary"}

    assert send(Forged(run_mode="daemon")).status == "sent"
    assert send(SimpleNamespace(attributes={"host.name": "canary"})).status == "failed"  # type: ignore[arg-type]  # forged
    (record,) = backend.log_records
    assert record.attributes == {**StartEvent(run_mode="daemon").attributes, "tbot.helper": "_OTHER"}


@pytest.mark.usefixtures("opted_in", "protocol")
def test_nothing_is_sent_after_the_deadline(receiver: OTLPReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exporter that is ready only after the deadline sends nothing."""
    ready, made = threading.Event(), threading.Event()
    make = client.create_exporter

    def make_late(*arguments: Any) -> Any:  # noqa: ANN401  passed on
        ready.wait(30)
        exporter = make(*arguments)
        made.set()
        return exporter

    monkeypatch.setattr(client, "create_exporter", make_late)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.http_endpoint)
    assert send(EVENT, timeout=0.1).reason == "the backend did not accept it within 0.1 s"
    ready.set()
    assert made.wait(30)
    wait_for_own_threads()
    assert receiver.requests == []


@pytest.mark.usefixtures("opted_in")
@pytest.mark.parametrize("dripped", [b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000, b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1000])
def test_slow_answer(dripped: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backend that answers byte by byte delays `send` by the timeout at most, and no thread or connection remains."""
    answering, closed = threading.Event(), threading.Event()

    def drip(server: socket.socket) -> None:
        with suppress(OSError):  # there was no request
            connection = connection_with_request(server)
            answering.set()
            with connection, suppress(OSError):
                for byte in dripped:
                    connection.send(bytes([byte]))
                    if connection_closed(connection):
                        break
            closed.set()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,), daemon=True)
        thread.start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        try:
            for timeout in (1, 5):  # seconds; the first may be too short on a busy machine to connect
                assert send(EVENT, timeout=timeout).status == "failed"
                if answering.is_set():
                    break
            assert closed.wait(20)
        finally:
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)  # wakes the thread in accept()
    thread.join(20)
    assert not thread.is_alive()
    wait_for_own_threads()


def connection_with_request(server: socket.socket) -> socket.socket:
    """Return the first connection over which something is sent."""
    while True:
        connection, _ = server.accept()
        if connection.recv(65536):
            return connection
        connection.close()


def connection_closed(connection: socket.socket) -> bool:
    """Wait a moment, and return whether the other side has closed the connection."""
    connection.settimeout(0.05)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


@pytest.mark.usefixtures("opted_in")
def test_the_hosts_instrumentation_does_not_see_it(backend: OTLPReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our requests are marked as telemetry, so that instrumented clients neither trace them nor add their headers."""
    seen = []
    for kind in (OTLPLogsHTTP, OTLPLogsGRPC):
        export = kind.export

        def watched(self: Any, batch: Any, export: Any = export) -> Any:  # noqa: ANN401  passed on
            seen.append(is_instrumentation_enabled())
            return export(self, batch)

        monkeypatch.setattr(kind, "export", watched)
    with TracerProvider().get_tracer("host").start_as_current_span("active"):
        assert send(EVENT).status == "sent"
    assert seen == [False]
    assert "traceparent" not in backend.requests[0].headers


@pytest.mark.usefixtures("opted_in")
def test_rejected(backend: OTLPReceiver) -> None:
    """A record that the backend rejects counts as failed."""
    backend.reply(Reply(rejected=1))
    assert send(EVENT) == Outcome(status="failed", reason="the backend rejected 1 log record(s)")


@pytest.mark.usefixtures("opted_in", "protocol")
def test_refused_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused connection is a failure with a reason, within the timeout."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    outcome = send(EVENT, timeout=0.5)
    assert outcome.status == "failed"
    assert outcome.reason


@pytest.mark.usefixtures("opted_in", "protocol", "_no_server")
def test_deadline_over_a_black_hole() -> None:
    """A backend that never answers delays `send` by the timeout at most, and the thread ends soon after."""
    begun = time.monotonic()
    assert send(EVENT, timeout=0.5).status == "failed"
    assert time.monotonic() - begun < 20
    wait_for_own_threads()


@pytest.mark.usefixtures("opted_in", "protocol")
def test_deadline_over_a_stalled_name_lookup(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver that hangs does not block the caller: the deadline covers the lookup, too."""
    stalled = threading.Event()
    released = threading.Event()

    def stall(*_: object, **__: object) -> list[object]:
        stalled.set()
        released.wait(30)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", stall)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://backend.invalid:4318")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    for timeout in (0.5, 3, 9):  # seconds; the first ones may be too short on a busy machine to look anything up
        begun = time.monotonic()
        outcome = send(EVENT, timeout=timeout)
        assert time.monotonic() - begun < 20
        if stalled.is_set():
            break
    assert stalled.is_set()
    assert outcome == Outcome(status="failed", reason=f"the backend did not accept it within {timeout:g} s")
    released.set()
    wait_for_own_threads()


@pytest.mark.usefixtures("opted_in")
@pytest.mark.parametrize("timeout", [0, -1, 1e10, float("nan"), float("inf"), "soon"])
def test_unusable_timeout(timeout: float) -> None:
    """An invalid timeout is a failure with a reason, not an exception."""
    outcome = send(EVENT, timeout=timeout)
    assert outcome == Outcome(status="failed", reason="timeout must be a number of seconds above 0, and at most 300")


@pytest.mark.usefixtures("opted_in")
def test_unusable_signal() -> None:
    """An invalid signal is a failure with a reason, not an exception."""
    metrics: Any = "metrics"
    assert send(EVENT, signal=metrics) == Outcome(status="failed", reason="the signal must be logs or traces")


@pytest.mark.usefixtures("opted_in")
def test_nothing_of_the_host_changes(backend: OTLPReceiver) -> None:
    """Sending sets no global provider, changes no variable, adds no log handler and leaves no thread."""

    def state() -> tuple[object, ...]:
        return (
            opentelemetry.trace.get_tracer_provider(),
            opentelemetry._logs.get_logger_provider(),
            dict(os.environ),
            [logger.handlers for logger in map(logging.getLogger, (None, "otel_tbot", "opentelemetry"))],
            logging.root.level,
        )

    def threads() -> Counter[str]:
        """Count the threads by name, except those of the backend, which starts one when its others are busy."""
        return Counter(thread.name for thread in threading.enumerate() if not thread.name.startswith("otlp-receiver"))

    wait_for_own_threads()  # of other tests
    threads_before = threads()
    send(EVENT)
    before = state()
    assert send(EVENT).status == "sent"
    wait_until(lambda: not threads() - threads_before, "the exporting thread ends")
    assert state() == before
    assert len(backend.requests) == 2


@pytest.mark.usefixtures("opted_in", "protocol")
def test_failure_is_not_logged(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure is reported by the outcome of `send` only, not in the host's log."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    assert send(EVENT, timeout=0.3).status == "failed"
    assert caplog.messages == []


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="descriptors are counted in /proc")
@pytest.mark.usefixtures("opted_in", "protocol")
def test_descriptors_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sending leaves no descriptor open, whether it succeeds or not."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    send(EVENT, timeout=0.3)  # libraries keep some descriptors open

    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = count()
    for _ in range(3):
        send(EVENT, timeout=0.3)
    wait_until(lambda: count() <= before, "the descriptors are closed")


@pytest.mark.parametrize(("status", "truth"), [("sent", True), ("off", False), ("failed", False)])
def test_truth(status: Any, truth: bool) -> None:  # noqa: ANN401, FBT001  a case
    """An outcome is true if the event was sent, like consent is true if it may be."""
    assert bool(Outcome(status=status)) is truth
