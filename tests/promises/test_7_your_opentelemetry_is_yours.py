"""Promise 7: your OpenTelemetry is yours. Nothing of a host's is set, changed or hit by an exception of ours.

A host application with logging, hooks, signal handlers and telemetry of its own runs with and without the plug-in,
which works, fails, is off or cannot be configured. What leaves for the host's own backend, what is printed and the exit
status must be the same, and a snapshot of all that libraries share in a process must be the same before and after.

Then the pieces are fed what no host should feed them: objects that lie, raise and burst. No exception may come out,
nothing but valid events may leave, and nothing of the object may be told.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider

import otel_tbot
from otel_tbot.testing import Reply
from tests.promises.host_process import Host, opted_in_variables
from tests.promises.host_run import TIMEOUT, CompletedRun, run_host, run_signalled_host
from tests.promises.hostile_objects import BATCHES, BEHIND, CANARY, HOSTILE, LYING, NO_EVENT, PROVIDERS, record_and_span
from tests.promises.own_backend import OwnBackend, without_ids
from tests.promises.resource_limits import STRAITS, reporting_in, without_streams
from tests.support.black_hole import black_hole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from otel_tbot.testing import OTLPReceiver

INSTRUMENT = Path(sys.executable).parent / "opentelemetry-instrument"
SLACK = 8  # seconds that a busy machine may add
CONSENT = {"TELEPORT_ANONYMOUS_TELEMETRY": "1"}
GRPC = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "GRPC_VERBOSITY": "NONE"}
SILENT = {**CONSENT, "OTEL_EXPORTER_OTLP_ENDPOINT": "{silent}", "OTEL_EXPORTER_OTLP_TIMEOUT": "0.4"}
# Each says where and how the event goes. `{backend}` and `{grpc}` accept it, `{silent}` never answers.
STATES: dict[str, dict[str, str]] = {
    "working": {**CONSENT, "OTEL_EXPORTER_OTLP_ENDPOINT": "{backend}"},
    "working, over gRPC": {**CONSENT, **GRPC, "OTEL_EXPORTER_OTLP_ENDPOINT": "{grpc}"},
    "backend is dead": {**CONSENT, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"},
    "backend is silent": SILENT,
    "backend is silent, over gRPC": {**SILENT, **GRPC},
    "off": {"OTEL_EXPORTER_OTLP_ENDPOINT": "{backend}"},
    "a yes that does not count": {"TELEPORT_ANONYMOUS_TELEMETRY": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "{backend}"},
    "endpoint is none": {**CONSENT, "OTEL_EXPORTER_OTLP_ENDPOINT": "nonsense://[::"},
    "settings are none": {**CONSENT, "OTEL_TBOT_SIGNAL": "smoke", "OTEL_EXPORTER_OTLP_PROTOCOL": "carrier pigeon"},
}


@pytest.fixture
def own() -> Iterator[OwnBackend]:
    """Run the host's own backend."""
    with OwnBackend() as running:
        yield running


@pytest.fixture
def silent() -> Iterator[str]:
    """Give the address of a backend that neither answers nor refuses."""
    with black_hole() as port:
        yield f"http://127.0.0.1:{port}"


def variables_of(state: str, backend: OTLPReceiver, silent: str) -> dict[str, str]:
    """Return the variables of a state."""
    places = {"backend": backend.http_endpoint, "grpc": backend.grpc_endpoint, "silent": silent}
    return {name: value.format(**places) for name, value in STATES[state].items()}


def check_undisturbed(without: CompletedRun, seen: CompletedRun) -> None:
    """Check that a host is, sends and prints what it is, sends and prints without us, and ends when it would."""
    assert (seen.status, seen.stdout, seen.stderr) == (without.status, without.stdout, without.stderr)
    assert (seen.status, seen.stdout) == (3, UNDISTURBED)
    assert without_ids(seen.arrived) == without_ids(without.arrived)
    # A log record and a span are reported in turn, each within its deadline.
    assert seen.seconds < without.seconds + 2 * TIMEOUT + SLACK


UNDISTURBED = "job 1 is done\ndifferent: []\njob 2 is done\nthe host ends\n"


@pytest.mark.parametrize("state", STATES)
def test_host_application(state: str, own: OwnBackend, receiver: OTLPReceiver, silent: str) -> None:
    """A host that reports a start is, sends and prints what it is, sends and prints without, and ends in time."""
    environ = variables_of(state, receiver, silent)
    without = run_host("none", own, environ)
    for way in ("send", "emit"):
        receiver.clear()
        seen = run_host(way, own, environ)
        check_undisturbed(without, seen)
        assert {path for path, *_ in seen.arrived} == {"/v1/logs", "/v1/metrics", "/v1/traces"}
        assert len(receiver.requests) == (2 if state.startswith("working") else 0)
        if "1" not in environ.get("TELEPORT_ANONYMOUS_TELEMETRY", ""):
            # Without consent not even a random number is used up, from which the SDK makes ids.
            assert seen.arrived == without.arrived


@pytest.mark.parametrize("state", STATES)
def test_exporters_in_global_pipelines(state: str, own: OwnBackend, receiver: OTLPReceiver, silent: str) -> None:
    """A host whose global pipelines have the exporters named tbot is, sends and prints what it does without them."""
    environ = {**variables_of(state, receiver, silent), "OTEL_METRICS_EXPORTER": "none", "OTEL_SERVICE_NAME": "host"}
    without, seen = (
        run_host("global", own, {**environ, **exporters}, prefix=(str(INSTRUMENT),))
        for exporters in (_exporters("none"), _exporters("tbot"))
    )
    check_undisturbed(without, seen)
    assert len(receiver.requests) == (2 if state.startswith("working") else 0)


def _exporters(name: str) -> dict[str, str]:
    return {"OTEL_LOGS_EXPORTER": name, "OTEL_TRACES_EXPORTER": name}


@pytest.mark.parametrize("state", ["working", "working, over gRPC"])
def test_signals_while_reporting(state: str, own: OwnBackend, receiver: OTLPReceiver, silent: str) -> None:
    """Signals that reach a host while it reports are handled by it, each once, as if it did not."""
    environ = {**variables_of(state, receiver, silent), "OTEL_EXPORTER_OTLP_TIMEOUT": "20"}
    without = run_signalled_host("none", own, environ, lambda: None)
    for way in ("send", "emit"):
        receiver.clear()
        receiver.reply(Reply(delay=1), Reply())
        seen = run_signalled_host(way, own, environ, lambda: receiver.wait_for_requests(1, timeout=20))
        check_undisturbed(without, seen)
        assert seen.stderr.count("signal") == 2
        assert len(receiver.requests) == 2


PROTOCOLS = ("http/protobuf", "grpc")


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", STRAITS)
def test_host_in_straits(name: str, protocol: str, receiver: OTLPReceiver) -> None:
    """A host without descriptors, memory or threads gets an outcome or a line of warning, goes on, and can send later.

    Over gRPC too: left alone, its C library would end the process.
    """
    straits = STRAITS[name]
    passes = protocol in straits.passable
    with Host(reporting_in(straits, protocol), opted_in_variables(receiver, protocol)) as host:
        status, printed, errors = host.end()
    first, later = printed.splitlines()
    assert (status, first) == (0, "sent" if passes else "failed")
    if not straits.lasting:
        assert (later, errors.count("\n")) == ("sent", 0 if passes else 1)
        assert passes or errors.startswith("tbot.start was not delivered: ")
        assert len(receiver.requests) == (3 if passes else 1)


# The streams that are closed, and whether a file takes their numbers.
CLOSED = (((0,), True), ((1,), True), ((2,), True), ((0, 1, 2), True), ((0, 1, 2), False))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(("closed", "taken"), CLOSED, ids=str)
def test_host_without_streams(
    closed: tuple[int, ...], *, taken: bool, protocol: str, receiver: OTLPReceiver, tmp_path: Path
) -> None:
    """A host whose standard streams are closed reports like any other, and what has their numbers gets no word."""
    file = tmp_path / "file"
    file.touch()
    receiver.reply(Reply(), Reply(status=403))
    environ = {**opted_in_variables(receiver, protocol), "FILE": str(file), "TAKEN": "yes" if taken else ""}
    with Host("", environ, program=without_streams(closed)) as host:
        status, printed, errors = host.end()
    assert (status, printed, file.read_bytes()) == (0, "", b"")
    assert errors.count("\n") == (0 if 2 in closed else 1)
    assert len(receiver.requests) == 3


EVENT = otel_tbot.StartEvent(run_mode="daemon", version="18.2.3")


@pytest.fixture
def exporter(request: pytest.FixtureRequest, receiver: OTLPReceiver) -> Any:  # noqa: ANN401  one of two types
    """Give the anonymous exporter of a signal, before a real backend."""
    kind = otel_tbot.AnonymousLogExporter if request.param == "logs" else otel_tbot.AnonymousSpanExporter
    endpoint = f"{receiver.http_endpoint}/v1/{request.param}"
    return kind(protocol="http/protobuf", endpoint=endpoint, timeout=10)


SIGNALS = pytest.mark.parametrize("exporter", ["logs", "traces"], indirect=True)


def assert_the_event_alone_left(receiver: OTLPReceiver, caplog: pytest.LogCaptureFixture) -> None:
    """Check that one event has arrived as it is, and that nothing planted is in its request or in a log."""
    (sent,) = receiver.log_records or receiver.spans
    assert sent.attributes == EVENT.attributes
    assert CANARY.encode() not in receiver.requests[0].body
    assert CANARY not in caplog.text


@SIGNALS
@pytest.mark.usefixtures("opted_in")
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_object(name: str, exporter: Any, receiver: OTLPReceiver, caplog: pytest.LogCaptureFixture) -> None:  # noqa: ANN401
    """An object that is not an event of ours leaves nothing, raises nothing, and keeps no valid event from leaving."""
    assert exporter.export([HOSTILE[name]()]).name == "SUCCESS"
    assert receiver.connections == 0
    valid = record_and_span(EVENT.attributes)
    assert exporter.export([HOSTILE[name](), valid, HOSTILE[name]()]).name == "SUCCESS"
    assert_the_event_alone_left(receiver, caplog)
    exporter.shutdown()


@SIGNALS
@pytest.mark.usefixtures("opted_in")
@pytest.mark.parametrize("name", LYING)
def test_lying_event(name: str, exporter: Any, receiver: OTLPReceiver, caplog: pytest.LogCaptureFixture) -> None:  # noqa: ANN401
    """Around a valid event, whatever else the object holds or claims stays behind, and the event leaves as it is."""
    assert exporter.export([LYING[name]()]).name == "SUCCESS"
    assert_the_event_alone_left(receiver, caplog)
    exporter.shutdown()


@SIGNALS
@pytest.mark.usefixtures("opted_in")
@pytest.mark.parametrize("name", BATCHES)
def test_hostile_batch(name: str, exporter: Any, receiver: OTLPReceiver) -> None:  # noqa: ANN401  one of two types
    """A batch that is none raises nothing, and nothing leaves."""
    exporter.export(BATCHES[name]())
    assert receiver.connections == 0


@pytest.mark.usefixtures("opted_in")
@pytest.mark.parametrize("kind", [otel_tbot.AnonymousLogExporter, otel_tbot.AnonymousSpanExporter])
@pytest.mark.parametrize("name", BEHIND)
def test_hostile_exporter_behind(name: str, kind: Any) -> None:  # noqa: ANN401  one of two types
    """An exporter behind that breaks every rule makes an export fail, and reaches the host in no other way."""
    exporter = kind(BEHIND[name]())
    assert exporter.export([record_and_span(EVENT.attributes)]).name == "FAILURE"
    exporter.force_flush()
    exporter.shutdown()


HUGE_HEADERS: dict[str, Callable[[], object]] = {
    "one": lambda: {"api-key": CANARY * 600_000},
    "many": lambda: {f"{CANARY}-{number}": "" for number in range(400_000)},
    "text": lambda: f"api-key={CANARY * 600_000}",
}


@pytest.mark.usefixtures("opted_in")
@pytest.mark.parametrize("name", HUGE_HEADERS)
def test_huge_headers(name: str, receiver: OTLPReceiver, caplog: pytest.LogCaptureFixture) -> None:
    """Headers of 10 MB, which no backend takes, are refused in one line that repeats none, and nothing leaves."""
    exporter: Any = otel_tbot.AnonymousLogExporter(
        endpoint=f"{receiver.http_endpoint}/v1/logs", headers=HUGE_HEADERS[name]()
    )
    assert exporter.export([record_and_span(EVENT.attributes)]).name == "FAILURE"
    exporter.shutdown()
    assert caplog.messages == ["tbot.start was not delivered: headers must have at most 131072 characters"]
    assert receiver.connections == 0


@pytest.mark.usefixtures("opted_in")
@pytest.mark.parametrize("name", PROVIDERS)
def test_broken_provider(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Emitting into a pipeline that is broken anywhere raises nothing, and tells no more than the kind of the fault."""
    otel_tbot.emit(EVENT, logger_provider=PROVIDERS[name]())
    otel_tbot.emit_span(EVENT, tracer_provider=PROVIDERS[name]())
    assert len(caplog.messages) == 2
    assert CANARY not in caplog.text


@pytest.mark.usefixtures("opted_in")
@pytest.mark.parametrize("name", NO_EVENT)
def test_hostile_event(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Emitting or sending what is not an event raises nothing, and leaves nothing in the pipeline."""
    memory = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # the SDK's omission
    loggers = LoggerProvider(shutdown_on_exit=False)
    loggers.add_log_record_processor(SimpleLogRecordProcessor(otel_tbot.AnonymousLogExporter(memory)))
    event: Any = HOSTILE[name]()
    otel_tbot.emit(event, logger_provider=loggers)
    otel_tbot.emit_span(event, tracer_provider=TracerProvider(shutdown_on_exit=False))
    assert otel_tbot.send(event).status == "failed"
    assert memory.get_finished_logs() == ()
    assert CANARY not in caplog.text


class RaisingHandler(logging.Handler):
    """A handler of the host's log that fails, as one does whose disk is full."""

    def emit(self, record: logging.LogRecord) -> None:
        """Fail."""
        raise OSError(record)


# Each of these has something to tell the host.
TELLING: dict[str, Callable[[], object]] = {
    "emit": lambda: otel_tbot.emit(EVENT, logger_provider=PROVIDERS["every attribute raises"]()),
    "emit_span": lambda: otel_tbot.emit_span(EVENT, tracer_provider=PROVIDERS["every attribute raises"]()),
    "export of a record that is broken": lambda: otel_tbot.AnonymousLogExporter().export([record_and_span({})]),
    "export of a span that is broken": lambda: otel_tbot.AnonymousSpanExporter().export([record_and_span({})]),
    "export with an unknown keyword": lambda: otel_tbot.AnonymousLogExporter(canary=1).export(
        [record_and_span(EVENT.attributes)]
    ),
    "sampler with an unknown name": lambda: otel_tbot.OptInSampler("canary"),
    "detector with an unknown keyword": lambda: otel_tbot.SessionResourceDetector(canary=1).detect(),
}


@pytest.mark.usefixtures("opted_in")
@pytest.mark.parametrize("name", TELLING)
def test_a_log_that_fails(name: str) -> None:
    """Where the host's own log raises at what we tell it, that exception stays here as well."""
    handler, logger = RaisingHandler(), logging.getLogger("otel_tbot")
    logger.addHandler(handler)
    try:
        TELLING[name]()
    finally:
        logger.removeHandler(handler)
