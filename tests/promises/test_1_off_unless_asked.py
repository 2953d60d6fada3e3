"""Promise 1, off unless asked: no event without `TELEPORT_ANONYMOUS_TELEMETRY` being exactly `1`.

`consent_table` has close to a hundred environments that are no consent, and the few that are. Every way in which an
event could leave (`ways`) is gone under each of them, in a real process, and proven in four ways at once:

- a socket listens where the variables point to: no one knocks, whatever the protocol;
- an audit hook of the interpreter reports no socket, no thread, no process, no file but the interpreter's own, and
  where OpenTelemetry is not the host's own, no import of it;
- what the way says is exactly what it says when it is off, for each row of the table;
- the same ways under the rows that are consent do arrive at a backend and are seen by the hook, so that all of this
  can fail.
"""

from __future__ import annotations

import json
import select
import socket
from typing import TYPE_CHECKING, NamedTuple

import pytest

from otel_tbot import consent
from tests.integration.pipelines import declarative
from tests.promises.audit import Event, audited
from tests.promises.consent_table import OFF, ON, OPT_IN
from tests.promises.entry_points import BETWEEN_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from otel_tbot.testing import OTLPReceiver

TOLD = "tbot itself reads this value as true"
PROTOCOLS = ("http/protobuf", "grpc")


class EntryPoint(NamedTuple):
    """A way in which an event could leave.

    Attributes:
        off: what it says when it is off, with the reason for it.
        loads_opentelemetry: whether OpenTelemetry is there for the host, before anything is reported.
        events: how many log records and spans arrive when it is on.
    """

    off: str
    loads_opentelemetry: bool
    events: int


WAYS = {
    "consent": EntryPoint("off: {reason}", loads_opentelemetry=False, events=0),
    "send": EntryPoint("off: {reason}", loads_opentelemetry=False, events=1),
    "emit": EntryPoint("0: otel-tbot: nothing sent: {reason}\n", loads_opentelemetry=False, events=1),
    "run": EntryPoint("7", loads_opentelemetry=False, events=1),
    "run --supervise": EntryPoint("7", loads_opentelemetry=False, events=1),
    "serve": EntryPoint(
        "2: otel-tbot: serve receives and sends nothing: {reason}; set TELEPORT_ANONYMOUS_TELEMETRY=1 to opt in\n",
        loads_opentelemetry=False,
        events=0,  # of its own; what it passes on is proven where the receiver is
    ),
    "calls": EntryPoint("", loads_opentelemetry=False, events=0),
    "configured": EntryPoint("True True", loads_opentelemetry=True, events=4),
    "in code": EntryPoint("True True", loads_opentelemetry=True, events=4),
    "exporters": EntryPoint("SUCCESS SUCCESS", loads_opentelemetry=True, events=2),
    "before the exporters": EntryPoint("0 0", loads_opentelemetry=True, events=0),
}
if declarative.AVAILABLE:
    WAYS["declarative"] = EntryPoint("True True", loads_opentelemetry=True, events=4)
WITH_A_HOST = {"withdrawn in the queue", *(way for way in WAYS if WAYS[way].loads_opentelemetry)}
OFF_BY_PROTOCOL = [
    (way, protocol)
    for way in WAYS
    for protocol in PROTOCOLS
    # Only where an exporter is made before consent is asked could the protocol make a difference.
    if WAYS[way].loads_opentelemetry or protocol == PROTOCOLS[0]
]
# Ways that can send, over each protocol, more than once in a process.
REPEATABLE = [
    (way, protocol) for way in WAYS for protocol in PROTOCOLS if WAYS[way].events and not way.startswith("run")
]
# Batches leave when they are flushed, and not before.
BY_VARIABLES = {
    "OTEL_LOGS_EXPORTER": "tbot",
    "OTEL_TRACES_EXPORTER": "tbot",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_BSP_SCHEDULE_DELAY": "600000",
    "OTEL_BLRP_SCHEDULE_DELAY": "600000",
}
BY_A_FILE = """\
file_format: "1.0"
logger_provider:
  processors:
    - batch: {schedule_delay: 600000, exporter: {tbot: }}
tracer_provider:
  processors:
    - batch: {schedule_delay: 600000, exporter: {tbot: }}
"""


class Tripwire:
    """A socket that listens where a backend would, and knows whether anybody ever connected."""

    def __init__(self) -> None:
        """Listen."""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    @property
    def rang(self) -> bool:
        """Whether a connection waits to be accepted: the system completes and keeps them without our help."""
        return bool(select.select([self._socket], [], [], 0)[0])

    def close(self) -> None:
        """Listen no more."""
        self._socket.close()


@pytest.fixture
def doorbell() -> Iterator[Tripwire]:
    """Listen where a backend would."""
    bell = Tripwire()
    yield bell
    bell.close()


def backend(endpoint: str, protocol: str = PROTOCOLS[0], timeout: str = "10") -> dict[str, str]:
    """Return the variables that lead to a backend."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_TIMEOUT": timeout,
    }


def go(
    way: str, rows: Mapping[str, Mapping[str, str]], folder: Path, variables: Mapping[str, str]
) -> tuple[dict[str, str], list[Event]]:
    """Go a way under each row, in one process. Return what came of each, and what the process did for them."""
    install_fake_tbot(folder)
    environ = {**(declarative.named(folder, BY_A_FILE) if way == "declarative" else BY_VARIABLES), **variables}
    ended = audited(
        folder / "report", "tests.promises.entry_points", way, environ=environ, cwd=folder, stdin=json.dumps(dict(rows))
    )
    assert ended.status == 0, ended.stderr
    # Before the first row the host, where there is one, sets up its pipelines, and may do as it likes.
    ours = [event for event in ended.events if event.mark or way not in WITH_A_HOST]
    return json.loads(ended.stdout), [event for event in ours if event.mark != BETWEEN_ROWS]


def install_fake_tbot(folder: Path) -> None:
    """Put a tbot into a folder, which ends with status 7."""
    tbot = folder / "tbot"
    tbot.write_text("#!/bin/sh\nexit 7\n")
    tbot.chmod(0o755)


def traces_left(events: list[Event], *, opentelemetry: bool) -> dict[str, list[Event]]:
    """Return what a program that is off must not do, by the row under which it did; `opentelemetry` may be allowed."""
    found: dict[str, list[Event]] = {}
    for event in events:
        if (
            event.is_network
            or event.is_thread
            or event.is_write
            or event.is_foreign_file
            # To exec tbot is what `run` is for.
            or (event.is_process and event.name != "os.exec")
            or (event.is_opentelemetry and not opentelemetry)
        ):
            found.setdefault(event.mark, []).append(event)
    return found


def endpoint_of(receiver: OTLPReceiver, protocol: str) -> str:
    """Return where a receiver takes a protocol."""
    return receiver.grpc_endpoint if protocol == "grpc" else receiver.http_endpoint


def versions(receiver: OTLPReceiver) -> list[str]:
    """Return the versions in what arrived, which are the numbers of the rows."""
    carried = [one.attributes for one in receiver.log_records] + [one.attributes for one in receiver.spans]
    return sorted(str(attributes["tbot.version"]) for attributes in carried)


def numbers(*rows: int, times: int) -> list[str]:
    """Return the versions of some rows, each as often as it should arrive."""
    return sorted(f"{row}.0" for row in rows for _ in range(times))


@pytest.mark.parametrize(("way", "protocol"), OFF_BY_PROTOCOL)
def test_off(tmp_path: Path, doorbell: Tripwire, way: str, protocol: str) -> None:
    """Whatever the environment says that is not consent, nothing leaves, nothing is loaded, and all is well."""
    rows = {name: row.environ for name, row in OFF.items()}
    # Nothing takes time when it is off. Where this fails, it does so soon.
    outcomes, events = go(way, rows, tmp_path, backend(doorbell.endpoint, protocol, "0.5"))
    assert outcomes == {name: WAYS[way].off.format(reason=consent(environ).reason) for name, environ in rows.items()}
    assert traces_left(events, opentelemetry=WAYS[way].loads_opentelemetry) == {}
    assert not doorbell.rang


def test_number_of_rows() -> None:
    """The table is long: more than forty values of the variable itself, and each way in which others forbid it."""
    values = {row.environ[OPT_IN] for row in OFF.values() if row.variable == OPT_IN and OPT_IN in row.environ}
    assert len(values) > 60
    assert "1" not in values
    assert {row.variable for row in OFF.values()} == {OPT_IN, "DO_NOT_TRACK", "OTEL_SDK_DISABLED"}


@pytest.mark.parametrize("name", OFF)
def test_the_reason_is_said(name: str) -> None:
    """The reason names the variable that decided; where tbot itself would have read a yes, it says so."""
    row = OFF[name]
    decision = consent(row.environ)
    assert not decision
    assert decision.variable == row.variable
    assert row.variable in decision.reason
    assert decision.tbot_would_accept == row.tbot_would_accept == (TOLD in decision.reason)


@pytest.mark.parametrize("value", ["1\0", "\x001", "\0", "1\0001"])
def test_nul(value: str) -> None:
    """No environment can hold a NUL. A mapping can, and it is off."""
    assert not consent({OPT_IN: value})


FRESH = ["unset", "empty", "true", "yes", "space before", "1.0", "fullwidth one", "a byte that is no text"]
FRESH += ["1, but DO_NOT_TRACK: 1", "1, but OTEL_SDK_DISABLED: true"]


@pytest.mark.parametrize("name", FRESH)
def test_off_from_the_first_moment(tmp_path: Path, doorbell: Tripwire, name: str) -> None:
    """In processes that never knew anything else, `emit` only says why it is off, and `run` only execs tbot."""
    environ = {**OFF[name].environ, **backend(doorbell.endpoint)}
    install_fake_tbot(tmp_path)
    emit = audited(tmp_path / "emit", "otel_tbot", "emit", "./tbot", "start", environ=environ, cwd=tmp_path)
    reason = consent(OFF[name].environ).reason
    assert (emit.status, emit.stdout, emit.stderr) == (0, "", f"otel-tbot: nothing sent: {reason}\n")
    assert traces_left(emit.events, opentelemetry=False) == {}
    for options in ([], ["--supervise"]):
        report = tmp_path / f"run {options}"
        run = audited(report, "otel_tbot", "run", *options, "./tbot", "start", environ=environ, cwd=tmp_path)
        assert (run.status, run.stdout, run.stderr) == (7, "", "")
        assert [event.arguments[:2] for event in run.events if event.is_process] == [["./tbot", "['./tbot', 'start']"]]
        assert traces_left(run.events, opentelemetry=False) == {}
    assert not doorbell.rang


# From here on: that all of the above can fail.


# gRPC for one of them: `test_withdrawn` has consent given over both protocols.
@pytest.mark.parametrize(
    ("way", "protocol"), [*((way, protocol) for way, protocol in REPEATABLE if protocol != "grpc"), ("send", "grpc")]
)
def test_on(tmp_path: Path, receiver: OTLPReceiver, way: str, protocol: str) -> None:
    """With exactly 1, and nothing that forbids it, each way delivers under each row, and the hook tells."""
    endpoint = endpoint_of(receiver, protocol)
    outcomes, events = go(way, ON, tmp_path, backend(endpoint, protocol))
    assert outcomes.keys() == ON.keys()
    assert versions(receiver) == numbers(*range(len(ON)), times=WAYS[way].events)
    left = traces_left(events, opentelemetry=False)
    assert left.keys() == ON.keys()
    assert any(event.is_thread for event in events)
    assert any(event.is_opentelemetry for event in events)
    # gRPC makes its sockets in C.
    assert any(event.is_network for event in events) == (protocol != "grpc")


@pytest.mark.parametrize("way", ["run", "run --supervise"])
def test_run_when_on(tmp_path: Path, receiver: OTLPReceiver, way: str) -> None:
    """With exactly 1, `run` starts a process next to tbot, which delivers; the hook sees into it."""
    outcomes, events = go(way, {"1": ON["1"]}, tmp_path, backend(receiver.http_endpoint))
    receiver.wait_for_requests(1, timeout=20)
    assert outcomes == {"1": "7"}
    assert versions(receiver) == numbers(0, times=1)
    assert "os.fork" in {event.name for event in events}


# The second: by each of our calls, and by the host itself; the host's own span is what the wrapped sampler wants.
@pytest.mark.parametrize(("way", "outcome"), [("consent", f"on: {OPT_IN} is 1"), ("before the exporters", "2 3")])
def test_on_without_a_backend(tmp_path: Path, doorbell: Tripwire, way: str, outcome: str) -> None:
    """With exactly 1, the ways that end before a backend say so, or let the event through."""
    assert go(way, {"1": ON["1"]}, tmp_path, backend(doorbell.endpoint))[0] == {"1": outcome}


def test_calls_when_on(tmp_path: Path, doorbell: Tripwire) -> None:
    """With exactly 1, `emit` and `emit_span` load OpenTelemetry's API, and the hook tells."""
    _, events = go("calls", {"1": ON["1"]}, tmp_path, backend(doorbell.endpoint))
    assert any(event.is_opentelemetry for event in events)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_doorbell_rings(tmp_path: Path, doorbell: Tripwire, protocol: str) -> None:
    """With exactly 1, somebody knocks, over gRPC too, whose sockets no hook sees."""
    assert not doorbell.rang
    # No one ever answers; the time is for loading what knocks.
    rows = {"1": ON["1"]}
    outcomes, _ = go("send", rows, tmp_path, backend(doorbell.endpoint, protocol, "5"))
    assert outcomes["1"].startswith("failed: ")
    assert doorbell.rang


# And consent that does not last.

TURNS = {
    "given": ON["1"],
    "withdrawn": {OPT_IN: "0"},
    "withdrawn by removal": {},
    "withdrawn by DO_NOT_TRACK": {**ON["1"], "DO_NOT_TRACK": "1"},
    "withdrawn by OTEL_SDK_DISABLED": {**ON["1"], "OTEL_SDK_DISABLED": "true"},
    "given again": ON["1"],
    "withdrawn again": {OPT_IN: "true"},
}


@pytest.mark.parametrize(("way", "protocol"), REPEATABLE)
def test_withdrawn(tmp_path: Path, receiver: OTLPReceiver, way: str, protocol: str) -> None:
    """Consent that is withdrawn while a process runs counts at once, with all connections already made."""
    endpoint = endpoint_of(receiver, protocol)
    outcomes, events = go(way, TURNS, tmp_path, backend(endpoint, protocol))
    off = {name: environ for name, environ in TURNS.items() if "withdrawn" in name}
    for name, environ in off.items():
        assert outcomes[name] == WAYS[way].off.format(reason=consent(environ).reason)
    assert versions(receiver) == numbers(0, 5, times=WAYS[way].events)
    assert not traces_left(events, opentelemetry=True).keys() & off.keys()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_withdrawn_in_the_queue(tmp_path: Path, doorbell: Tripwire, protocol: str) -> None:
    """An event that was reported with consent and waits in a batch does not leave once consent is withdrawn."""
    rows = {"1": ON["1"]}
    outcomes, events = go("withdrawn in the queue", rows, tmp_path, backend(doorbell.endpoint, protocol))
    assert outcomes == {"1": "True True"}
    assert traces_left(events, opentelemetry=True) == {}
    assert not doorbell.rang
