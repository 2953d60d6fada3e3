"""Promise 1, off unless asked: no event without `TELEPORT_ANONYMOUS_TELEMETRY` being exactly `1`.

`support/consent_table.py` lists close to a hundred environments without consent and the few with it. Every entry point
that can send an event (`support/entry_points.py`) runs in a real process under each row without consent. Three checks
apply to each run:

- a listening socket replaces the backend: nothing connects to it, over either protocol;
- an audit hook of the interpreter reports no socket, thread, process or file except the interpreter's own, and no
  import of OpenTelemetry unless the host itself loaded it;
- the outcome that the entry point reports is exactly the one for "off", for each row.

The same entry points under the rows with consent do reach a backend and are seen by the hook, which proves that these
checks can fail.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import pytest

from otel_tbot import consent
from tests.integration.pipelines import declarative
from tests.support.audit import Event, run_audited
from tests.support.backends.tripwire import TripwireSocket
from tests.support.consent_table import OFF, ON, OPT_IN
from tests.support.entry_points import BETWEEN_ROWS
from tests.support.otlp_environment import endpoint_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from otel_tbot.testing import OTLPReceiver

TBOT_WOULD_ACCEPT = "tbot itself reads this value as true"
PROTOCOLS = ("http/protobuf", "grpc")


class EntryPoint(NamedTuple):
    """How an entry point behaves.

    Attributes:
        off: the outcome that it reports when off; `{reason}` is replaced by the reason.
        loads_opentelemetry: whether the host has loaded OpenTelemetry before the first row.
        events: the number of log records and spans that arrive when it is on.
    """

    off: str
    loads_opentelemetry: bool
    events: int


ENTRY_POINTS = {
    "consent": EntryPoint("off: {reason}", loads_opentelemetry=False, events=0),
    "send": EntryPoint("off: {reason}", loads_opentelemetry=False, events=1),
    "emit": EntryPoint("0: otel-tbot: nothing sent: {reason}\n", loads_opentelemetry=False, events=1),
    "run": EntryPoint("7", loads_opentelemetry=False, events=1),
    "run --supervise": EntryPoint("7", loads_opentelemetry=False, events=1),
    "serve": EntryPoint(
        "2: otel-tbot: serve receives and sends nothing: {reason}; set TELEPORT_ANONYMOUS_TELEMETRY=1 to opt in\n",
        loads_opentelemetry=False,
        events=0,  # it sends none itself; the tests of the receiver prove what it forwards
    ),
    "calls": EntryPoint("", loads_opentelemetry=False, events=0),
    "configured": EntryPoint("True True", loads_opentelemetry=True, events=4),
    "in code": EntryPoint("True True", loads_opentelemetry=True, events=4),
    "exporters": EntryPoint("SUCCESS SUCCESS", loads_opentelemetry=True, events=2),
    "before the exporters": EntryPoint("0 0", loads_opentelemetry=True, events=0),
}
if declarative.AVAILABLE:
    ENTRY_POINTS["declarative"] = EntryPoint("True True", loads_opentelemetry=True, events=4)
WITH_HOST_PIPELINES = {
    "withdrawn in the queue",
    *(entry_point for entry_point in ENTRY_POINTS if ENTRY_POINTS[entry_point].loads_opentelemetry),
}
OFF_BY_PROTOCOL = [
    (entry_point, protocol)
    for entry_point in ENTRY_POINTS
    for protocol in PROTOCOLS
    # The protocol can only matter where an exporter is created before consent is checked.
    if ENTRY_POINTS[entry_point].loads_opentelemetry or protocol == PROTOCOLS[0]
]
# Entry points that can send more than once in a process, over each protocol.
REPEATABLE = [
    (entry_point, protocol)
    for entry_point in ENTRY_POINTS
    for protocol in PROTOCOLS
    if ENTRY_POINTS[entry_point].events and not entry_point.startswith("run")
]
# A batch leaves only when it is flushed.
PIPELINE_VARIABLES = {
    "OTEL_LOGS_EXPORTER": "tbot",
    "OTEL_TRACES_EXPORTER": "tbot",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_BSP_SCHEDULE_DELAY": "600000",
    "OTEL_BLRP_SCHEDULE_DELAY": "600000",
}
PIPELINE_FILE = """\
file_format: "1.0"
logger_provider:
  processors:
    - batch: {schedule_delay: 600000, exporter: {tbot: }}
tracer_provider:
  processors:
    - batch: {schedule_delay: 600000, exporter: {tbot: }}
"""


@pytest.fixture
def tripwire() -> Iterator[TripwireSocket]:
    """Listen where the variables say that the backend is."""
    with TripwireSocket() as listening:
        yield listening


def backend(endpoint: str, protocol: str = PROTOCOLS[0], timeout: str = "30") -> dict[str, str]:
    """Return the variables that point to a backend."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_TIMEOUT": timeout,
    }


def run_rows(
    entry_point: str, rows: Mapping[str, Mapping[str, str]], folder: Path, variables: Mapping[str, str]
) -> tuple[dict[str, str], list[Event]]:
    """Run an entry point under each row in one process; return its outcomes and the audit events of the process."""
    write_tbot(folder)
    environ = {
        **(declarative.named(folder, PIPELINE_FILE) if entry_point == "declarative" else PIPELINE_VARIABLES),
        **variables,
    }
    ended = run_audited(
        folder / "report",
        "tests.support.entry_points",
        entry_point,
        environ=environ,
        cwd=folder,
        stdin=json.dumps(dict(rows)),
    )
    assert ended.status == 0, ended.stderr
    # Before the first row, a host sets up its pipelines, which may do anything.
    own_events = [event for event in ended.events if event.label or entry_point not in WITH_HOST_PIPELINES]
    return json.loads(ended.stdout), [event for event in own_events if event.label != BETWEEN_ROWS]


def write_tbot(folder: Path) -> None:
    """Write a tbot that exits with status 7 into a folder."""
    tbot = folder / "tbot"
    tbot.write_text("#!/bin/sh\nexit 7\n")
    tbot.chmod(0o755)


def side_effects(events: list[Event], *, opentelemetry: bool) -> dict[str, list[Event]]:
    """Return the events that are forbidden when off, by row; `opentelemetry` permits imports of it."""
    found: dict[str, list[Event]] = {}
    for event in events:
        if (
            event.is_network
            or event.is_thread
            or event.is_write
            or event.is_unexpected_file
            # `run` has to exec tbot.
            or (event.is_process and event.name != "os.exec")
            or (event.is_opentelemetry and not opentelemetry)
        ):
            found.setdefault(event.label, []).append(event)
    return found


def versions(receiver: OTLPReceiver) -> list[str]:
    """Return the versions of the events that arrived; a version is the number of its row."""
    attribute_sets = [one.attributes for one in receiver.log_records] + [one.attributes for one in receiver.spans]
    return sorted(str(attributes["tbot.version"]) for attributes in attribute_sets)


def expected_versions(*rows: int, times: int) -> list[str]:
    """Return the versions of some rows, each as often as it should arrive."""
    return sorted(f"{row}.0" for row in rows for _ in range(times))


@pytest.mark.parametrize(("entry_point", "protocol"), OFF_BY_PROTOCOL)
def test_off(tmp_path: Path, tripwire: TripwireSocket, entry_point: str, protocol: str) -> None:
    """Without consent, nothing is sent, nothing is loaded, and no error is reported."""
    rows = {name: row.environ for name, row in OFF.items()}
    # When off, nothing takes time; a short timeout makes a failure of this test quick.
    outcomes, events = run_rows(entry_point, rows, tmp_path, backend(tripwire.endpoint, protocol, "0.5"))
    assert outcomes == {
        name: ENTRY_POINTS[entry_point].off.format(reason=consent(environ).reason) for name, environ in rows.items()
    }
    assert side_effects(events, opentelemetry=ENTRY_POINTS[entry_point].loads_opentelemetry) == {}
    assert not tripwire.was_connected


def test_number_of_rows() -> None:
    """The table has more than sixty values of the variable, and rows for both variables that override it."""
    values = {row.environ[OPT_IN] for row in OFF.values() if row.variable == OPT_IN and OPT_IN in row.environ}
    assert len(values) > 60
    assert "1" not in values
    assert {row.variable for row in OFF.values()} == {OPT_IN, "DO_NOT_TRACK", "OTEL_SDK_DISABLED"}


@pytest.mark.parametrize("name", OFF)
def test_reason_names_variable(name: str) -> None:
    """The reason names the deciding variable, and says so where tbot itself would accept the value."""
    row = OFF[name]
    decision = consent(row.environ)
    assert not decision
    assert decision.variable == row.variable
    assert row.variable in decision.reason
    assert decision.tbot_would_accept == row.tbot_would_accept == (TBOT_WOULD_ACCEPT in decision.reason)


@pytest.mark.parametrize("value", ["1\0", "\x001", "\0", "1\0001"])
def test_nul(value: str) -> None:
    """A value with a NUL character, which only a mapping can hold, is off."""
    assert not consent({OPT_IN: value})


OFF_IN_FRESH_PROCESSES = [
    "unset",
    "empty",
    "true",
    "yes",
    "space before",
    "1.0",
    "fullwidth one",
    "undecodable byte",
]
OFF_IN_FRESH_PROCESSES += ["1, but DO_NOT_TRACK: 1", "1, but OTEL_SDK_DISABLED: true"]


@pytest.mark.parametrize("name", OFF_IN_FRESH_PROCESSES)
def test_off_in_fresh_process(tmp_path: Path, tripwire: TripwireSocket, name: str) -> None:
    """In a process that never had consent, `emit` reports why it is off and `run` only execs tbot."""
    environ = {**OFF[name].environ, **backend(tripwire.endpoint)}
    write_tbot(tmp_path)
    emit = run_audited(tmp_path / "emit", "otel_tbot", "emit", "./tbot", "start", environ=environ, cwd=tmp_path)
    decision = consent(OFF[name].environ)
    reason = decision.reason
    # The only value here that tbot itself reads as true is reported.
    line = f"otel-tbot: this start of tbot is not reported: {reason}\n" if decision.tbot_would_accept else ""
    assert (emit.status, emit.stdout, emit.stderr) == (0, "", f"otel-tbot: nothing sent: {reason}\n")
    assert side_effects(emit.events, opentelemetry=False) == {}
    for options in ([], ["--supervise"]):
        report = tmp_path / f"run {options}"
        run = run_audited(report, "otel_tbot", "run", *options, "./tbot", "start", environ=environ, cwd=tmp_path)
        assert (run.status, run.stdout, run.stderr) == (7, "", line)
        assert [event.arguments[:2] for event in run.events if event.is_process] == [
            ["./tbot", "[b'./tbot', b'start']"]
        ]
        assert side_effects(run.events, opentelemetry=False) == {}
    assert not tripwire.was_connected


# The tests below prove that the checks above can fail.


# gRPC once only: `test_withdrawn_consent` sends over both protocols.
@pytest.mark.parametrize(
    ("entry_point", "protocol"),
    [*((entry_point, protocol) for entry_point, protocol in REPEATABLE if protocol != "grpc"), ("send", "grpc")],
)
def test_on(tmp_path: Path, receiver: OTLPReceiver, entry_point: str, protocol: str) -> None:
    """With exactly 1, each entry point delivers under each row, and the hook sees it."""
    endpoint = endpoint_of(receiver, protocol)
    outcomes, events = run_rows(entry_point, ON, tmp_path, backend(endpoint, protocol))
    assert outcomes.keys() == ON.keys()
    assert versions(receiver) == expected_versions(*range(len(ON)), times=ENTRY_POINTS[entry_point].events)
    left = side_effects(events, opentelemetry=False)
    assert left.keys() == ON.keys()
    assert any(event.is_thread for event in events)
    assert any(event.is_opentelemetry for event in events)
    # gRPC creates its sockets in C, which the hook does not see.
    assert any(event.is_network for event in events) == (protocol != "grpc")


@pytest.mark.parametrize("entry_point", ["run", "run --supervise"])
def test_run_when_on(tmp_path: Path, receiver: OTLPReceiver, entry_point: str) -> None:
    """With exactly 1, `run` forks a process that delivers, and the hook follows it there."""
    outcomes, events = run_rows(entry_point, {"1": ON["1"]}, tmp_path, backend(receiver.http_endpoint))
    receiver.wait_for_requests(1, timeout=40)
    assert outcomes == {"1": "7"}
    assert versions(receiver) == expected_versions(0, times=1)
    assert "os.fork" in {event.name for event in events}


# The second: our two calls, and the host's own record, span and parent span, which the delegate sampler accepts.
@pytest.mark.parametrize(
    ("entry_point", "outcome"), [("consent", f"on: {OPT_IN} is 1"), ("before the exporters", "2 3")]
)
def test_on_without_a_backend(tmp_path: Path, tripwire: TripwireSocket, entry_point: str, outcome: str) -> None:
    """With exactly 1, the entry points that stop before a backend report that they are on, or pass the event on."""
    assert run_rows(entry_point, {"1": ON["1"]}, tmp_path, backend(tripwire.endpoint))[0] == {"1": outcome}


def test_calls_when_on(tmp_path: Path, tripwire: TripwireSocket) -> None:
    """With exactly 1, `emit` and `emit_span` load OpenTelemetry's API, and the hook sees it."""
    _, events = run_rows("calls", {"1": ON["1"]}, tmp_path, backend(tripwire.endpoint))
    assert any(event.is_opentelemetry for event in events)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_tripwire_is_connected_when_on(tmp_path: Path, tripwire: TripwireSocket, protocol: str) -> None:
    """With exactly 1, `send` connects to the tripwire socket, over gRPC too."""
    # The socket never answers. On a busy machine a timeout may be too short to load the exporter: try again.
    for timeout in ("1", "3", "9"):
        outcomes, _ = run_rows("send", {"1": ON["1"]}, tmp_path, backend(tripwire.endpoint, protocol, timeout))
        assert outcomes["1"].startswith("failed: ")
        if tripwire.was_connected:
            return
    pytest.fail("the event was not sent to the tripwire socket")


# The tests below withdraw consent in a running process.

CONSENT_CHANGES = {
    "given": ON["1"],
    "withdrawn": {OPT_IN: "0"},
    "withdrawn by removal": {},
    "withdrawn by DO_NOT_TRACK": {**ON["1"], "DO_NOT_TRACK": "1"},
    "withdrawn by OTEL_SDK_DISABLED": {**ON["1"], "OTEL_SDK_DISABLED": "true"},
    "given again": ON["1"],
    "withdrawn again": {OPT_IN: "true"},
}


@pytest.mark.parametrize(("entry_point", "protocol"), REPEATABLE)
def test_withdrawn_consent(tmp_path: Path, receiver: OTLPReceiver, entry_point: str, protocol: str) -> None:
    """Withdrawn consent counts at once, although the connections are already open."""
    endpoint = endpoint_of(receiver, protocol)
    outcomes, events = run_rows(entry_point, CONSENT_CHANGES, tmp_path, backend(endpoint, protocol))
    off = {name: environ for name, environ in CONSENT_CHANGES.items() if "withdrawn" in name}
    for name, environ in off.items():
        assert outcomes[name] == ENTRY_POINTS[entry_point].off.format(reason=consent(environ).reason)
    assert versions(receiver) == expected_versions(0, 5, times=ENTRY_POINTS[entry_point].events)
    assert not side_effects(events, opentelemetry=True).keys() & off.keys()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_withdrawn_in_the_queue(tmp_path: Path, tripwire: TripwireSocket, protocol: str) -> None:
    """An event that waits in a batch is dropped when consent is withdrawn before the flush."""
    rows = {"1": ON["1"]}
    outcomes, events = run_rows("withdrawn in the queue", rows, tmp_path, backend(tripwire.endpoint, protocol))
    assert outcomes == {"1": "True True"}
    assert side_effects(events, opentelemetry=True) == {}
    assert not tripwire.was_connected
