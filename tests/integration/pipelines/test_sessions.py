"""Several sessions in one process: each event arrives under the session of the start that it belongs to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from otel_tbot import AnonymousLogExporter, AnonymousSpanExporter, Session, StartEvent, emit, emit_span, send
from tests.integration.pipelines.processes import ON, python
from tests.support.otlp_environment import NO_THREADS_IN_CHILDREN, otlp_variables

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from otel_tbot.testing import OTLPReceiver

    Report = Callable[[Sequence[Session]], None]

EVENT = StartEvent(run_mode="daemon")
SUPERVISED = 5
AT_THE_END = 600_000  # milliseconds: a pipeline sends its batch only when it is shut down


@pytest.fixture(autouse=True)
def to_receiver(monkeypatch: pytest.MonkeyPatch, opted_in: None, receiver: OTLPReceiver) -> None:  # noqa: ARG001
    """Consent, and a backend."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.http_endpoint)


def sessions_arrived(receiver: OTLPReceiver) -> list[object]:
    """Return the session of each event that arrived, from its resource."""
    resources = [one.resource_attributes for one in receiver.log_records]
    resources += [one.resource_attributes for one in receiver.spans]
    assert all(resource["session.id"] == resource["service.instance.id"] for resource in resources)
    return [resource["session.id"] for resource in resources]


def as_log_records(sessions: Sequence[Session]) -> None:
    """Report a start for each session through one pipeline, from several threads at once."""
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(AnonymousLogExporter(), schedule_delay_millis=AT_THE_END))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda session: emit(EVENT, session=session, logger_provider=provider), sessions))
    provider.shutdown()


def as_spans(sessions: Sequence[Session]) -> None:
    """Report a start for each session through one pipeline, from several threads at once."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(AnonymousSpanExporter(), schedule_delay_millis=AT_THE_END))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda session: emit_span(EVENT, session=session, tracer_provider=provider), sessions))
    provider.shutdown()


@pytest.mark.parametrize("report", [as_log_records, as_spans])
def test_one_resource_per_session_in_a_batch(receiver: OTLPReceiver, report: Report) -> None:
    """A supervisor's batch is sent in one request, in which each of its bots has its own resource."""
    sessions = [Session() for _ in range(SUPERVISED)]
    report(sessions)
    assert len(receiver.requests) == 1
    assert sorted(map(str, sessions_arrived(receiver))) == sorted(session.id for session in sessions)


def test_sent_at_once_from_many_threads(receiver: OTLPReceiver) -> None:
    """Concurrent calls of `send` are independent: each outcome is true, and each event arrives once."""
    sessions = [Session() for _ in range(SUPERVISED)]
    with ThreadPoolExecutor(SUPERVISED) as pool:
        outcomes = list(pool.map(lambda session: send(EVENT, session=session), sessions))
    assert {outcome.status for outcome in outcomes} == {"sent"}
    assert sorted(map(str, sessions_arrived(receiver))) == sorted(session.id for session in sessions)


@pytest.mark.parametrize(
    ("protocol", "own_report"), [("http/protobuf", "before"), ("http/protobuf", "after"), ("grpc", "after")]
)
def test_forked_workers(receiver: OTLPReceiver, protocol: str, own_report: str) -> None:
    """A worker has its own session, not its parent's, and sends through the inherited pipeline."""
    ended = python("forking", own_report, environ={**ON, **otlp_variables(receiver, protocol)})
    assert (ended.status, ended.stderr) == (0, [])
    logs = [one.resource_attributes["session.id"] for one in receiver.log_records]
    spans = [one.resource_attributes["session.id"] for one in receiver.spans]
    assert len(set(logs)) == len(logs) == 3
    assert set(logs) == set(spans)


def test_workers_forked_after_grpc(receiver: OTLPReceiver) -> None:
    """If their parent has sent over gRPC, workers send nothing, say so once for each pipeline, and continue."""
    environ = {**ON, **otlp_variables(receiver, "grpc"), **NO_THREADS_IN_CHILDREN}
    ended = python("forking", "before", environ=environ)
    reason = "the protocol grpc cannot be used in a process forked after its parent used it: use http/protobuf"
    assert (ended.status, ended.stderr) == (0, 4 * [f"tbot.start was not delivered: {reason}"])
    assert sorted(request.signal for request in receiver.requests) == ["logs", "traces"]
