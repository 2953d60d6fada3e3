"""Promise 7: your OpenTelemetry is yours. Nothing of a host's is set or changed, and it gets no exception of ours.

A host application with its own logging, hooks, signal handlers and telemetry runs with and without the plug-in, which
works, fails, is off or cannot be configured. What arrives at the host's own backend, the output and the exit status
must be the same, and so must a snapshot of all state that libraries share in a process, before and after the report.

Then the public functions and exporters get hostile objects, which lie about their type, raise or are endless. No
exception may escape, only valid events may be sent, and no part of an object may be logged.
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
from tests.promises.host_run import TIMEOUT, CompletedRun, run_host, run_host_with_signals
from tests.promises.hostile_objects import (
    BROKEN_EXPORTERS,
    BROKEN_PROVIDERS,
    CANARY,
    HOSTILE_BATCHES,
    HOSTILE_OBJECTS,
    NOT_AN_EVENT,
    VALID_WITH_EXTRAS,
    record_and_span,
)
from tests.promises.resource_limits import RESOURCE_LIMITS, program_under_limit, program_without_streams
from tests.support.backends.host_backend import HostBackend
from tests.support.black_hole import black_hole
from tests.support.host_process import HostProcess, opted_in_variables
from tests.support.normalized_otlp_json import without_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from otel_tbot.testing import OTLPReceiver

INSTRUMENT = Path(sys.executable).parent / "opentelemetry-instrument"
SLACK = 8  # seconds that a busy machine may add
CONSENT = {"TELEPORT_ANONYMOUS_TELEMETRY": "1"}
GRPC = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "GRPC_VERBOSITY": "NONE"}
PATIENT = {"OTEL_EXPORTER_OTLP_TIMEOUT": "20"}  # a busy machine must not make a delivery fail
SILENT = {**CONSENT, "OTEL_EXPORTER_OTLP_ENDPOINT": "{silent}", "OTEL_EXPORTER_OTLP_TIMEOUT": "0.4"}
# The variables of each state. `{backend}` and `{grpc}` accept the event, `{silent}` never answers.
STATES: dict[str, dict[str, str]] = {
    "working": {**CONSENT, **PATIENT, "OTEL_EXPORTER_OTLP_ENDPOINT": "{backend}"},
    "working, over gRPC": {**CONSENT, **PATIENT, **GRPC, "OTEL_EXPORTER_OTLP_ENDPOINT": "{grpc}"},
    "backend refuses connections": {**CONSENT, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"},
    "backend is silent": SILENT,
    "backend is silent, over gRPC": {**SILENT, **GRPC},
    "off": {"OTEL_EXPORTER_OTLP_ENDPOINT": "{backend}"},
    "a value that tbot would accept": {
        "TELEPORT_ANONYMOUS_TELEMETRY": "true",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "{backend}",
    },
    "invalid endpoint": {**CONSENT, "OTEL_EXPORTER_OTLP_ENDPOINT": "nonsense://[::"},
    "invalid settings": {**CONSENT, "OTEL_TBOT_SIGNAL": "smoke", "OTEL_EXPORTER_OTLP_PROTOCOL": "carrier pigeon"},
}


@pytest.fixture
def host_backend() -> Iterator[HostBackend]:
    """Run the host's own backend."""
    with HostBackend() as running:
        yield running


@pytest.fixture
def silent() -> Iterator[str]:
    """Yield the endpoint of a backend that neither answers nor refuses."""
    with black_hole() as port:
        yield f"http://127.0.0.1:{port}"


def variables_of(state: str, backend: OTLPReceiver, silent: str) -> dict[str, str]:
    """Return the variables of a state."""
    places = {"backend": backend.http_endpoint, "grpc": backend.grpc_endpoint, "silent": silent}
    return {name: value.format(**places) for name, value in STATES[state].items()}


def check_unaffected(reference: CompletedRun, result: CompletedRun) -> None:
    """Check that a host behaves like the reference run without the plug-in, and ends in time."""
    assert (result.status, result.stdout, result.stderr) == (reference.status, reference.stdout, reference.stderr)
    assert (result.status, result.stdout) == (3, EXPECTED_OUTPUT)
    assert without_ids(result.received) == without_ids(reference.received)
    # A log record and a span are reported one after the other, each within its deadline.
    assert result.seconds < reference.seconds + 2 * TIMEOUT + SLACK


EXPECTED_OUTPUT = "job 1 is done\ndifferent: []\njob 2 is done\nthe host ends\n"


@pytest.mark.parametrize("state", STATES)
def test_host_application(state: str, host_backend: HostBackend, receiver: OTLPReceiver, silent: str) -> None:
    """A host that reports a start sends and prints the same as one that does not, and ends in time."""
    environ = variables_of(state, receiver, silent)
    reference = run_host("none", host_backend, environ)
    for entry_point in ("send", "emit"):
        receiver.clear()
        result = run_host(entry_point, host_backend, environ)
        check_unaffected(reference, result)
        assert {path for path, *_ in result.received} == {"/v1/logs", "/v1/metrics", "/v1/traces"}
        assert len(receiver.requests) == (2 if state.startswith("working") else 0)
        if "1" not in environ.get("TELEPORT_ANONYMOUS_TELEMETRY", ""):
            # Without consent not even a random number is drawn, from which the SDK generates ids.
            assert result.received == reference.received


@pytest.mark.parametrize("state", STATES)
def test_exporters_in_global_pipelines(
    state: str, host_backend: HostBackend, receiver: OTLPReceiver, silent: str
) -> None:
    """A host with the exporters named tbot in its global pipelines sends and prints the same as without them."""
    environ = {**variables_of(state, receiver, silent), "OTEL_METRICS_EXPORTER": "none", "OTEL_SERVICE_NAME": "host"}
    reference, result = (
        run_host("global", host_backend, {**environ, **exporters}, prefix=(str(INSTRUMENT),))
        for exporters in (_exporters("none"), _exporters("tbot"))
    )
    check_unaffected(reference, result)
    assert len(receiver.requests) == (2 if state.startswith("working") else 0)


def _exporters(name: str) -> dict[str, str]:
    return {"OTEL_LOGS_EXPORTER": name, "OTEL_TRACES_EXPORTER": name}


@pytest.mark.parametrize("state", ["working", "working, over gRPC"])
def test_signals_while_reporting(state: str, host_backend: HostBackend, receiver: OTLPReceiver, silent: str) -> None:
    """Signals that arrive while a host reports are handled by the host, once each."""
    environ = variables_of(state, receiver, silent)
    reference = run_host_with_signals("none", host_backend, environ, lambda: None)
    for entry_point in ("send", "emit"):
        receiver.clear()
        receiver.reply(Reply(delay=1), Reply())
        result = run_host_with_signals(
            entry_point, host_backend, environ, lambda: receiver.wait_for_requests(1, timeout=20)
        )
        check_unaffected(reference, result)
        assert result.stderr.count("signal") == 2
        assert len(receiver.requests) == 2


PROTOCOLS = ("http/protobuf", "grpc")


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", RESOURCE_LIMITS)
def test_host_under_resource_limit(name: str, protocol: str, receiver: OTLPReceiver) -> None:
    """A host without descriptors, memory or threads gets an outcome or a warning, continues, and can send later.

    Over gRPC too, whose C library would otherwise abort the process.
    """
    limit = RESOURCE_LIMITS[name]
    with HostProcess(program_under_limit(limit), opted_in_variables(receiver, protocol)) as host:
        status, printed, errors = host.wait()
    first, later = printed.splitlines()
    assert (status, first) == (0, "failed")
    if not limit.breaks_libraries:
        assert (later, errors.count("\n")) == ("sent", 1)
        assert errors.startswith("tbot.start was not delivered: ")
        assert len(receiver.requests) == 1


# The closed streams, and whether a file takes their descriptor numbers.
CLOSED_STREAMS = (((0,), True), ((1,), True), ((2,), True), ((0, 1, 2), True), ((0, 1, 2), False))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(("closed", "taken"), CLOSED_STREAMS, ids=str)
def test_host_without_streams(
    closed: tuple[int, ...], *, taken: bool, protocol: str, receiver: OTLPReceiver, tmp_path: Path
) -> None:
    """A host whose standard streams are closed can report, and a file with their descriptor numbers stays empty."""
    file = tmp_path / "file"
    file.touch()
    receiver.reply(Reply(), Reply(status=403))
    environ = {**opted_in_variables(receiver, protocol), "FILE": str(file), "TAKEN": "yes" if taken else ""}
    with HostProcess("", environ, program=program_without_streams(closed)) as host:
        status, printed, errors = host.wait()
    assert (status, printed, file.read_bytes()) == (0, "", b"")
    assert errors.count("\n") == (0 if 2 in closed else 1)
    assert len(receiver.requests) == 3


EVENT = otel_tbot.StartEvent(run_mode="daemon", version="18.2.3")


@pytest.fixture
def exporter(request: pytest.FixtureRequest, receiver: OTLPReceiver) -> Any:  # noqa: ANN401  one of two types
    """The anonymous exporter of a signal, in front of a real backend."""
    kind = otel_tbot.AnonymousLogExporter if request.param == "logs" else otel_tbot.AnonymousSpanExporter
    endpoint = f"{receiver.http_endpoint}/v1/{request.param}"
    return kind(protocol="http/protobuf", endpoint=endpoint, timeout=10)


SIGNALS = pytest.mark.parametrize("exporter", ["logs", "traces"], indirect=True)


def assert_only_event_was_sent(receiver: OTLPReceiver, caplog: pytest.LogCaptureFixture) -> None:
    """Check that exactly the event has arrived, and that neither its request nor a log contains the canary."""
    (sent,) = receiver.log_records or receiver.spans
    assert sent.attributes == EVENT.attributes
    assert CANARY.encode() not in receiver.requests[0].body
    assert CANARY not in caplog.text


@SIGNALS
@pytest.mark.usefixtures("opted_in")
@pytest.mark.parametrize("name", HOSTILE_OBJECTS)
def test_hostile_object(name: str, exporter: Any, receiver: OTLPReceiver, caplog: pytest.LogCaptureFixture) -> None:  # noqa: ANN401
    """An object that is not an event is not sent, raises nothing, and does not stop a valid event."""
    assert exporter.export([HOSTILE_OBJECTS[name]()]).name == "SUCCESS"
    assert receiver.connections == 0
    valid = record_and_span(EVENT.attributes)
    assert exporter.export([HOSTILE_OBJECTS[name](), valid, HOSTILE_OBJECTS[name]()]).name == "SUCCESS"
    assert_only_event_was_sent(receiver, caplog)
    exporter.shutdown()


@SIGNALS
@pytest.mark.usefixtures("opted_in")
@pytest.mark.parametrize("name", VALID_WITH_EXTRAS)
def test_valid_event_with_extras(
    name: str,
    exporter: Any,  # noqa: ANN401  one of two types
    receiver: OTLPReceiver,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A valid event is sent unchanged, without the rest of its object."""
    assert exporter.export([VALID_WITH_EXTRAS[name]()]).name == "SUCCESS"
    assert_only_event_was_sent(receiver, caplog)
    exporter.shutdown()


@SIGNALS
@pytest.mark.usefixtures("opted_in")
@pytest.mark.parametrize("name", HOSTILE_BATCHES)
def test_hostile_batch(name: str, exporter: Any, receiver: OTLPReceiver) -> None:  # noqa: ANN401  one of two types
    """An object that is not a batch raises nothing, and nothing is sent."""
    exporter.export(HOSTILE_BATCHES[name]())
    assert receiver.connections == 0


@pytest.mark.usefixtures("opted_in")
@pytest.mark.parametrize("kind", [otel_tbot.AnonymousLogExporter, otel_tbot.AnonymousSpanExporter])
@pytest.mark.parametrize("name", BROKEN_EXPORTERS)
def test_broken_delegate_exporter(name: str, kind: Any) -> None:  # noqa: ANN401  one of two types
    """A broken delegate exporter makes the export fail and has no other effect on the host."""
    exporter = kind(BROKEN_EXPORTERS[name]())
    assert exporter.export([record_and_span(EVENT.attributes)]).name == "FAILURE"
    exporter.force_flush()
    exporter.shutdown()


HUGE_HEADERS: dict[str, Callable[[], dict[str, str] | str]] = {
    "one": lambda: {"api-key": CANARY * 600_000},
    "many": lambda: {f"{CANARY}-{number}": "" for number in range(400_000)},
    "text": lambda: f"api-key={CANARY * 600_000}",
}


@pytest.mark.usefixtures("opted_in")
@pytest.mark.parametrize("name", HUGE_HEADERS)
def test_huge_headers(name: str, receiver: OTLPReceiver, caplog: pytest.LogCaptureFixture) -> None:
    """Headers of 10 MB, which no backend accepts, are rejected by one line without their text, and nothing is sent."""
    exporter: Any = otel_tbot.AnonymousLogExporter(
        endpoint=f"{receiver.http_endpoint}/v1/logs", headers=HUGE_HEADERS[name]()
    )
    assert exporter.export([record_and_span(EVENT.attributes)]).name == "FAILURE"
    exporter.shutdown()
    assert caplog.messages == ["tbot.start was not delivered: headers must have at most 131072 characters"]
    assert receiver.connections == 0


@pytest.mark.usefixtures("opted_in")
@pytest.mark.parametrize("name", BROKEN_PROVIDERS)
def test_broken_provider(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Emitting into a broken pipeline raises nothing, and logs at most the type of the error."""
    otel_tbot.emit(EVENT, logger_provider=BROKEN_PROVIDERS[name]())
    otel_tbot.emit_span(EVENT, tracer_provider=BROKEN_PROVIDERS[name]())
    assert len(caplog.messages) == 2
    assert CANARY not in caplog.text


@pytest.mark.usefixtures("opted_in")
@pytest.mark.parametrize("name", NOT_AN_EVENT)
def test_hostile_event(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Emitting or sending an object that is not an event raises nothing, and nothing enters the pipeline."""
    memory = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # the SDK's omission
    loggers = LoggerProvider(shutdown_on_exit=False)
    loggers.add_log_record_processor(SimpleLogRecordProcessor(otel_tbot.AnonymousLogExporter(memory)))
    event: Any = HOSTILE_OBJECTS[name]()
    otel_tbot.emit(event, logger_provider=loggers)
    otel_tbot.emit_span(event, tracer_provider=TracerProvider(shutdown_on_exit=False))
    assert otel_tbot.send(event).status == "failed"
    assert memory.get_finished_logs() == ()
    assert CANARY not in caplog.text


class RaisingHandler(logging.Handler):
    """A log handler of the host's that raises, for example because its disk is full."""

    def emit(self, record: logging.LogRecord) -> None:
        """Raise."""
        raise OSError(record)


CANARY_KEYWORD: Any = {"canary": 1}
# Each of these calls logs something.
LOGGING_CALLS: dict[str, Callable[[], object]] = {
    "emit": lambda: otel_tbot.emit(EVENT, logger_provider=BROKEN_PROVIDERS["every attribute raises"]()),
    "emit_span": lambda: otel_tbot.emit_span(EVENT, tracer_provider=BROKEN_PROVIDERS["every attribute raises"]()),
    "export of a record that is broken": lambda: otel_tbot.AnonymousLogExporter().export([record_and_span({})]),
    "export of a span that is broken": lambda: otel_tbot.AnonymousSpanExporter().export([record_and_span({})]),
    "export with an unknown keyword": lambda: otel_tbot.AnonymousLogExporter(**CANARY_KEYWORD).export(
        [record_and_span(EVENT.attributes)]
    ),
    "sampler with an unknown name": lambda: otel_tbot.OptInSampler("canary"),
    "detector with an unknown keyword": lambda: otel_tbot.SessionResourceDetector(canary=1).detect(),
}


@pytest.mark.usefixtures("opted_in")
@pytest.mark.parametrize("name", LOGGING_CALLS)
def test_raising_log_handler(name: str) -> None:
    """If the host's log handler raises for a message of ours, the exception does not reach the host."""
    handler, logger = RaisingHandler(), logging.getLogger("otel_tbot")
    logger.addHandler(handler)
    try:
        LOGGING_CALLS[name]()
    finally:
        logger.removeHandler(handler)


# Exporters count their own work in the host's metrics where this is on, and fetch its global provider for that.
INTERNAL_METRICS = {"OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED": "true"}
SEND_AND_EXPORT = """\
assert otel_tbot.send(event()).status == "sent"
from tests.promises.hostile_objects import record_and_span
for kind in (otel_tbot.AnonymousLogExporter, otel_tbot.AnonymousSpanExporter):
    exporter = kind()
    assert exporter.export([record_and_span(event().attributes)]).name == "SUCCESS"
    exporter.shutdown()
from opentelemetry import metrics
"""
# Only the first provider can be set.
SET_PROVIDER = """\
provider = metrics.NoOpMeterProvider()
metrics.set_meter_provider(provider)
print(metrics.get_meter_provider() is provider)
"""
OWN_PROVIDER = """\
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
reader = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider([reader], shutdown_on_exit=False))
"""
# A reader may count its own work, too.
PRINT_METRICS = """\
data = reader.get_metrics_data()
resources = data.resource_metrics if data else []
names = [metric.name for resource in resources for scope in resource.scope_metrics for metric in scope.metrics]
print([name for name in names if "reader" not in name])
"""


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_meter_provider_is_set(protocol: str, receiver: OTLPReceiver) -> None:
    """Where OpenTelemetry's internal metrics are on, reporting neither creates nor sets a global provider."""
    environ = {
        **opted_in_variables(receiver, protocol),
        **INTERNAL_METRICS,
        "OTEL_PYTHON_METER_PROVIDER": "sdk_meter_provider",
    }
    with HostProcess(SEND_AND_EXPORT + SET_PROVIDER, environ) as host:
        assert host.wait() == (0, "True\n", "")
    assert len(receiver.requests) == 3


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_instrument_is_registered(protocol: str, receiver: OTLPReceiver) -> None:
    """Where OpenTelemetry's internal metrics are on, the host's provider gets no instrument or measurement of ours."""
    environ = {**opted_in_variables(receiver, protocol), **INTERNAL_METRICS}
    with HostProcess(OWN_PROVIDER + SEND_AND_EXPORT + PRINT_METRICS, environ) as host:
        assert host.wait() == (0, "[]\n", "")
    assert len(receiver.requests) == 3


# Resolves the settings from a clean environment, and sends with a hostile one.
RESOLVED_BEFORE = """\
import otel_tbot.records  # the SDK reads limits when it is imported, and cannot be imported where they are malformed
from opentelemetry.sdk import environment_variables
from otel_tbot.api import deliver
from otel_tbot.otlp.settings import resolve_settings
settings = {signal: resolve_settings(signal, dict(os.environ)) for signal in ("logs", "traces")}
names = {value for name, value in vars(environment_variables).items() if name.lstrip("_").startswith("OTEL_")}
os.environ.update(dict.fromkeys(names - {"OTEL_SDK_DISABLED"}, "canary"))
for signal in settings:
    print(deliver(event(), settings[signal]))
"""


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_other_variable_counts(protocol: str, receiver: OTLPReceiver) -> None:
    """Once the settings are resolved, no variable that the SDK knows has an effect on what is sent."""
    with HostProcess(RESOLVED_BEFORE, opted_in_variables(receiver, protocol)) as host:
        assert host.wait() == (0, "Outcome(status='sent', reason='')\n" * 2, "")
    assert len(receiver.requests) == 2
    assert not [request for request in receiver.requests if "canary" in str(request)]
