"""Promise 3, no identity: the session id is random, made at each start, and lives nowhere; nothing else is one.

Three proofs. First, many starts on one machine, by all ways in, over a wire that keeps every byte: what any two of
their requests have in common is in the headers of a request from another machine too, or in a body written by hand from
the contract for another session and another time (`patterns.py`, `contract.py`). So nothing links them.

Second, what differs is random: session, trace and span ids do not come back in a process whose seed, clock, machine and
process id are the same, nor in children of a process, and each of their bits is as often 1 as 0.

Third, the id is kept nowhere: a second start in the same place has another, and no file has changed.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import subprocess
import sys
import time
import uuid
from importlib.util import find_spec
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import pytest
from opentelemetry.sdk.trace import ReadableSpan

from otel_tbot import Session, StartEvent
from otel_tbot.records import build_record
from tests.integration.pipelines import declarative
from tests.promises import contract
from tests.promises.canary_host import same_state
from tests.promises.canary_host.host import VALUES, CanaryHost
from tests.promises.recorded_backend import RecordedBackend
from tests.promises.shared_bytes import shared, with_short_ids, without
from tests.promises.wire import TripwireSocket
from tests.support.program import SOURCE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from opentelemetry.trace import SpanContext

    from otel_tbot.testing import OTLPReceiver, ReceivedRequest
    from tests.promises.sent_requests import SentRequest

PROTOCOLS = ("http/protobuf", "grpc")
# Ways, contexts, and how many requests each makes. In a pipeline, those of one process are of one start.
STARTS = (
    ("otel-tbot emit", "here", 1),
    ("otel-tbot run", "here", 1),
    ("environment", "here", 2),
    ("pipeline in code", "here", 2),
    ("send", "thread", 2),
    ("send", "fork", 4),
    ("emit and emit_span", "here", 2),
    ("emit and emit_span", "fork", 4),
)
# Each is one start more.
OPTIONAL_STARTS: tuple[tuple[str, str, int], ...] = ()
if declarative.AVAILABLE:
    OPTIONAL_STARTS += (("declarative", "here", 2),)
if find_spec("connectrpc"):  # the extra `serve`; it asks the backend first whether it accepts anything
    OPTIONAL_STARTS += 2 * (("otel-tbot serve", "here", 2),)
ROWS = {row[0]: (row,) for row in STARTS[:2]} | {"send": (STARTS[4],)}
ELSEWHERE = ROWS["send"]
# Bytes: the session's id twice; a trace's and a span's id, and the two between them, too short to be a run.
VARYING = {"logs": 2 * 16, "traces": 2 * 16 + 16 + 2 + 8}
ON = {"TELEPORT_ANONYMOUS_TELEMETRY": "1"}
EVENT = StartEvent(run_mode="daemon")
SESSION = Session()
SAMPLES = 2000
_END_OF_HEADERS = b"\n\n"
_ANOTHER_SECOND = 1


class Start(NamedTuple):
    """One start, as the backend and the wire saw it.

    Attributes:
        session_id: its session.
        times: all its times, in nanoseconds.
        message: the request, headers and body, without the address of the backend, the length of the body and what was
            left of the timeout.
    """

    session_id: str
    times: set[int]
    message: bytes


def starts(place: CanaryHost, signal: str, protocol: str, ways: tuple[tuple[str, str, int], ...]) -> list[Start]:
    """Report starts from one place, and return them all."""
    found: dict[str, Start] = {}
    with RecordedBackend(protocol) as transmission:
        expected = 0
        for way, context, requests in ways:
            ended = place.report(way, signal, context, environ=transmission.environ)
            assert ended.returncode == 0, ended.stderr
            expected += requests
            transmission.received(expected)
        on_the_wire = {request.body: request for request in transmission.requests()}
        for received in filter(lambda received: received.body, transmission.received(expected)):
            start = _start(received, on_the_wire[received.body])
            found.setdefault(start.session_id, start)
    return list(found.values())


def _start(received: ReceivedRequest, on_the_wire: SentRequest) -> Start:
    (event,) = received.log_records or received.spans
    if received.log_records:
        record = received.log_records[0].log_record
        times = {record.time_unix_nano, record.observed_time_unix_nano}
    else:
        span = received.spans[0].span
        times = {span.start_time_unix_nano, span.end_time_unix_nano}
    left_out = {":authority", "host", "content-length", "grpc-timeout"}
    headers = "\n".join(f"{name}: {value}" for name, value in on_the_wire.headers if name not in left_out)
    message = headers.encode() + _END_OF_HEADERS + received.body
    return Start(str(event.resource_attributes["session.id"]), times, message)


def by_hand(signal: str) -> list[bytes]:
    """Return the contract's bodies for other sessions, with and without a known machine, and another time."""
    another = str(uuid.UUID(int=2**128 - 1, version=4))
    sessions = (Session(id=another), Session(id=another, os_type=None, host_arch=None))
    if signal == "logs":
        return [
            contract.log_request(VALUES, session=session, seconds=_ANOTHER_SECOND, body=body)
            for session in sessions
            for body in (None, contract.NO_BODY)
        ]
    seconds = (_ANOTHER_SECOND, _ANOTHER_SECOND)
    ids = {"trace_id": b"\xff" * 16, "span_id": b"\xff" * 8}
    return [contract.trace_request(VALUES, session=session, seconds=seconds, **ids) for session in sessions]


def at_another_time(start: Start) -> bytes:
    """Return the request of a start at the time of `by_hand`: its own second is others' too, and no identity."""
    message = start.message
    for at in start.times:
        message = message.replace(at.to_bytes(8, "little"), (_ANOTHER_SECOND * contract.SECOND).to_bytes(8, "little"))
    return message


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("signal", ["logs", "traces"])
@pytest.mark.timeout(180)  # seconds; twelve processes, one after another
def test_starts_of_one_machine(signal: str, protocol: str, tmp_path: Path) -> None:
    """No two starts on one machine share eight bytes that are no constant, by any way; times are whole seconds."""
    folders = [tmp_path / name for name in ("one", "another")]
    for folder in folders:
        folder.mkdir()
    began = int(time.time())
    with TripwireSocket() as trap:
        here = starts(CanaryHost(folders[0], trap, "one"), signal, protocol, STARTS + OPTIONAL_STARTS)
        elsewhere = starts(CanaryHost(folders[1], trap, "another"), signal, protocol, ELSEWHERE)
    assert (len(here), len(elsewhere)) == (13 + len(OPTIONAL_STARTS), 2), "each start has a session of its own"
    assert {uuid.UUID(start.session_id).version for start in (*here, *elsewhere)} == {4}

    times = {divmod(at, contract.SECOND) for start in here for at in start.times}
    assert {fraction for _, fraction in times} == {0}
    assert all(began <= second <= time.time() for second, _ in times)

    headers = [start.message.partition(_END_OF_HEADERS)[0] + _END_OF_HEADERS for start in elsewhere]
    constants = [with_short_ids(message) for message in (*headers, *by_hand(signal))]
    left = [without(with_short_ids(at_another_time(start)), constants) for start in here]
    assert shared(left) == []
    # A mark of less than eight bytes would be no such run, but more than there is room for.
    assert max(sum(map(len, pieces)) for pieces in left) <= VARYING[signal]


@pytest.mark.parametrize(
    ("planted", "found"),
    [(b"", []), (b"machine7", [b"machine7"]), (b"-machine-7-", [b"-machine", b"achine-7", b"chine-7-", b"machine-"])],
)
def test_patterns_are_found(planted: bytes, found: list[bytes]) -> None:
    """Eight bytes that two messages have in common, and no constant has, are found; ids and constants are not."""
    # Fixed ids: the last byte of two random ones is the same once in 256 times.
    ids = (b"11111111-1111-4111-8111-111111111111", b"22222222-2222-4222-9222-222222222222")
    messages = [b"a constant: " + one + planted + b", and another" for one in ids]
    constants = [b"a constant: ffffffff, and another"]
    assert shared([without(with_short_ids(message), constants) for message in messages]) == found


@pytest.mark.parametrize("state", same_state.STATES)
def test_same_state(state: str, receiver: OTLPReceiver) -> None:
    """Two processes whose state was made the same have no id in common, neither session's nor trace's nor span's."""
    environ = {
        **ON,
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint,
        "PYTHONHASHSEED": "0",
    }
    for _ in range(2):
        run_program("same_state", state, environ)
    spans = receiver.spans
    assert len(spans) == 4
    for ids in (
        [one.resource_attributes["session.id"] for one in spans],
        [one.span.trace_id for one in spans],
        [one.span.span_id for one in spans],
    ):
        assert len(set(ids)) == len(spans)
    if state in {"clock", "all"}:
        assert {one.span.start_time_unix_nano for one in spans} == {same_state.NOON - same_state.NOON % contract.SECOND}


@pytest.mark.parametrize("method", ["os.fork", *multiprocessing.get_all_start_methods()])
def test_children(method: str) -> None:
    """A process and each of its children have sessions and ids of their own; the process keeps its session."""
    printed = run_program("children", method, {})
    first, *children, last = [json.loads(line) for line in printed.splitlines()]
    assert len(children) == 5
    assert first.pop("session of the process") == last.pop("session of the process") != ""
    ids = [one for process in (first, *children, last) for one in process.values()]
    assert len(set(ids)) == len(ids) == 3 + 5 * 4 + 3


IDS: dict[str, tuple[int, Callable[[], int]]] = {
    "session": (128 - 6, lambda: uuid.UUID(Session().id).int),  # 6 bits say that it is a UUID of version 4
    "trace": (128, lambda: span_context().trace_id),
    "span": (64, lambda: span_context().span_id),
}


def span_context() -> SpanContext:
    """Return the ids of a new span."""
    made = build_record("traces", EVENT.attributes, SESSION, timestamp_ns=0)
    assert isinstance(made, ReadableSpan)
    context = made.get_span_context()
    assert context is not None
    return context


@pytest.mark.parametrize("kind", IDS)
def test_each_bit_is_random(kind: str) -> None:
    """Each bit of an id is as often 1 as 0, and as often changed as kept from one id to the next: it is no counter."""
    bits, new_id = IDS[kind]
    random.seed(0)
    ids = [new_id() for _ in range(SAMPLES)]
    changes = [one ^ other for one, other in pairwise(ids)]
    for numbers in (ids, changes):
        shares = [sum(number >> bit & 1 for number in numbers) / len(numbers) for bit in range(128)]
        # Nine standard deviations on both sides: by chance, no run of this test will ever see it.
        assert sum(0.4 < share < 0.6 for share in shares) == bits
        assert {share for share in shares if not 0.4 < share < 0.6} <= {0, 1}


@pytest.mark.parametrize("way", ["otel-tbot emit", "otel-tbot run", "send"])
def test_kept_nowhere(way: str, tmp_path: Path) -> None:
    """A second start in the same place has another session, and the first one has left no file and changed none."""
    with TripwireSocket() as trap:
        place = CanaryHost(tmp_path, trap)
    before = place.files()
    sessions = [start.session_id for _ in range(2) for start in starts(place, "logs", "http/protobuf", ROWS[way])]
    assert len(set(sessions)) == len(sessions) >= 2
    assert place.files() == before
    assert len(before) > 5


def run_program(name: str, argument: str, environ: dict[str, str]) -> str:
    """Run one of the programs, and return what it printed."""
    command = [sys.executable, "-m", f"tests.promises.canary_host.{name}", argument]
    return subprocess.run(
        command, env={**environ, "PATH": os.environ["PATH"]}, cwd=SOURCE, check=True, stdout=subprocess.PIPE, text=True,
        timeout=60,
    ).stdout  # fmt: skip
