"""Promise 3, no identity: the session id is random, generated at each start and never stored; nothing else identifies.

Three proofs. First, many starts on one machine, by all entry points, through a relay that records every byte: what any
two of their requests share also occurs in the headers of a request from another machine, or in a body built by hand
for another session and another time (`common_bytes.py`, `support/expected_requests.py`). So nothing links them.

Second, what differs is random: session, trace and span ids do not repeat in a process with the same seed, clock,
machine and process id, nor in children of a process, and each of their bits is 1 as often as 0.

Third, the id is not stored: a second start on the same host has another id, and no file has changed.
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
from tests.promises import deterministic_process
from tests.promises.common_bytes import shared, with_short_ids, without
from tests.support import expected_requests
from tests.support.backends.recorded import RecordedBackend
from tests.support.backends.tripwire import TripwireSocket
from tests.support.canaries.host import VALUES, CanaryHost
from tests.support.program import SOURCE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from opentelemetry.trace import SpanContext

    from otel_tbot.testing import OTLPReceiver, ReceivedRequest
    from tests.support.backends.request_parser import SentRequest

PROTOCOLS = ("http/protobuf", "grpc")
# Entry points, contexts, and the number of requests. All requests of a pipeline belong to one start per process.
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
# One start more for each.
OPTIONAL_STARTS: tuple[tuple[str, str, int], ...] = ()
if declarative.AVAILABLE:
    OPTIONAL_STARTS += (("declarative", "here", 2),)
if find_spec("connectrpc"):  # the extra `serve`; the receiver first sends an empty request to check the backend
    OPTIONAL_STARTS += 2 * (("otel-tbot serve", "here", 2),)
STARTS_BY_ENTRY_POINT = {row[0]: (row,) for row in STARTS[:2]} | {"send": (STARTS[4],)}
OTHER_HOST_STARTS = STARTS_BY_ENTRY_POINT["send"]
# Bytes: the session id twice; a trace id, a span id, and the two bytes between them, too short for a shared run.
MAX_VARYING_BYTES = {"logs": 2 * 16, "traces": 2 * 16 + 16 + 2 + 8}
ON = {"TELEPORT_ANONYMOUS_TELEMETRY": "1"}
EVENT = StartEvent(run_mode="daemon")
SESSION = Session()
SAMPLES = 2000
_END_OF_HEADERS = b"\n\n"
_ANOTHER_SECOND = 1


class Start(NamedTuple):
    """One start, as the backend and the relay saw it.

    Attributes:
        session_id: its session id.
        times: all its times, in nanoseconds.
        message: headers and body of the request, without the backend's address, the length and the remaining timeout.
    """

    session_id: str
    times: set[int]
    message: bytes


def starts(host: CanaryHost, signal: str, protocol: str, starts_made: tuple[tuple[str, str, int], ...]) -> list[Start]:
    """Report starts from one host, and return them all."""
    found: dict[str, Start] = {}
    with RecordedBackend(protocol) as recorded:
        expected = 0
        for entry_point, context, requests in starts_made:
            ended = host.report(entry_point, signal, context, environ=recorded.environ)
            assert ended.returncode == 0, ended.stderr
            expected += requests
            recorded.received(expected)
        on_the_wire = {request.body: request for request in recorded.requests()}
        for received in filter(lambda received: received.body, recorded.received(expected)):
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


def expected_bodies(signal: str) -> list[bytes]:
    """Return the contract's bodies for other sessions, with and without a known machine, and another time."""
    another = str(uuid.UUID(int=2**128 - 1, version=4))
    sessions = (Session(id=another), Session(id=another, os_type=None, host_arch=None))
    if signal == "logs":
        return [expected_requests.log_request(VALUES, session=session, seconds=_ANOTHER_SECOND) for session in sessions]
    seconds = (_ANOTHER_SECOND, _ANOTHER_SECOND)
    ids = {"trace_id": b"\xff" * 16, "span_id": b"\xff" * 8}
    return [expected_requests.trace_request(VALUES, session=session, seconds=seconds, **ids) for session in sessions]


def with_fixed_time(start: Start) -> bytes:
    """Return the request of a start, with the time of `expected_bodies`: starts may share a second."""
    message = start.message
    for at in start.times:
        message = message.replace(
            at.to_bytes(8, "little"), (_ANOTHER_SECOND * expected_requests.SECOND).to_bytes(8, "little")
        )
    return message


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("signal", ["logs", "traces"])
@pytest.mark.timeout(180)  # seconds; twelve processes, one after another
def test_starts_of_one_machine(signal: str, protocol: str, tmp_path: Path) -> None:
    """No two starts on one machine share eight bytes that are not constant, and all times are whole seconds."""
    folders = [tmp_path / name for name in ("one", "another")]
    for folder in folders:
        folder.mkdir()
    began = int(time.time())
    with TripwireSocket() as tripwire:
        here = starts(CanaryHost(folders[0], tripwire, "one"), signal, protocol, STARTS + OPTIONAL_STARTS)
        elsewhere = starts(CanaryHost(folders[1], tripwire, "another"), signal, protocol, OTHER_HOST_STARTS)
    assert (len(here), len(elsewhere)) == (13 + len(OPTIONAL_STARTS), 2), "each start has a session of its own"
    assert {uuid.UUID(start.session_id).version for start in (*here, *elsewhere)} == {4}

    times = {divmod(at, expected_requests.SECOND) for start in here for at in start.times}
    assert {fraction for _, fraction in times} == {0}
    assert all(began <= second <= time.time() for second, _ in times)

    headers = [start.message.partition(_END_OF_HEADERS)[0] + _END_OF_HEADERS for start in elsewhere]
    constants = [with_short_ids(message) for message in (*headers, *expected_bodies(signal))]
    left = [without(with_short_ids(with_fixed_time(start)), constants) for start in here]
    assert shared(left) == []
    # An identifier of less than eight bytes would not be a shared run, but there is no room for one.
    assert max(sum(map(len, pieces)) for pieces in left) <= MAX_VARYING_BYTES[signal]


@pytest.mark.parametrize(
    ("planted", "found"),
    [(b"", []), (b"machine7", [b"machine7"]), (b"-machine-7-", [b"-machine", b"achine-7", b"chine-7-", b"machine-"])],
)
def test_common_bytes_are_found(planted: bytes, found: list[bytes]) -> None:
    """Eight bytes that two messages share are found unless a constant contains them; ids are not found."""
    # Fixed ids: the last byte of two random ones is the same once in 256 times.
    ids = (b"11111111-1111-4111-8111-111111111111", b"22222222-2222-4222-9222-222222222222")
    messages = [b"a constant: " + one + planted + b", and another" for one in ids]
    constants = [b"a constant: ffffffff, and another"]
    assert shared([without(with_short_ids(message), constants) for message in messages]) == found


@pytest.mark.parametrize("state", deterministic_process.STATES)
def test_same_state(state: str, receiver: OTLPReceiver) -> None:
    """Two processes with the same state share no session, trace or span id."""
    environ = {
        **ON,
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint,
        "PYTHONHASHSEED": "0",
    }
    for _ in range(2):
        run_program("deterministic_process", state, environ)
    spans = receiver.spans
    assert len(spans) == 4
    for ids in (
        [one.resource_attributes["session.id"] for one in spans],
        [one.span.trace_id for one in spans],
        [one.span.span_id for one in spans],
    ):
        assert len(set(ids)) == len(spans)
    if state in {"clock", "all"}:
        assert {one.span.start_time_unix_nano for one in spans} == {
            deterministic_process.NOON - deterministic_process.NOON % expected_requests.SECOND
        }


@pytest.mark.parametrize("method", ["os.fork", *multiprocessing.get_all_start_methods()])
def test_children(method: str) -> None:
    """A process and each of its children have their own session and ids, and the process keeps its session."""
    printed = run_program("session_ids_after_fork", method, {})
    first, *children, last = [json.loads(line) for line in printed.splitlines()]
    assert len(children) == 5
    assert first.pop("session of the process") == last.pop("session of the process") != ""
    ids = [one for process in (first, *children, last) for one in process.values()]
    assert len(set(ids)) == len(ids) == 3 + 5 * 4 + 3


IDS: dict[str, tuple[int, Callable[[], int]]] = {
    "session": (128 - 6, lambda: uuid.UUID(Session().id).int),  # 6 bits are fixed: version 4 and the variant
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
    """Each bit of an id is 1 as often as 0, and changes as often as not between two ids: there is no counter."""
    bits, new_id = IDS[kind]
    random.seed(0)
    ids = [new_id() for _ in range(SAMPLES)]
    changes = [one ^ other for one, other in pairwise(ids)]
    for numbers in (ids, changes):
        shares = [sum(number >> bit & 1 for number in numbers) / len(numbers) for bit in range(128)]
        # Nine standard deviations on both sides, so that chance cannot fail this test.
        assert sum(0.4 < share < 0.6 for share in shares) == bits
        assert {share for share in shares if not 0.4 < share < 0.6} <= {0, 1}


@pytest.mark.parametrize("entry_point", ["otel-tbot emit", "otel-tbot run", "send"])
def test_session_id_is_not_stored(entry_point: str, tmp_path: Path) -> None:
    """A second start on the same host has another session, and the first one has left and changed no file."""
    with TripwireSocket() as tripwire:
        host = CanaryHost(tmp_path, tripwire)
    before = host.files()
    sessions = [
        start.session_id
        for _ in range(2)
        for start in starts(host, "logs", "http/protobuf", STARTS_BY_ENTRY_POINT[entry_point])
    ]
    assert len(set(sessions)) == len(sessions) >= 2
    assert host.files() == before
    assert len(before) > 5


def run_program(name: str, argument: str, environ: dict[str, str]) -> str:
    """Run a program of this folder, and return its output."""
    command = [sys.executable, "-m", f"tests.promises.{name}", argument]
    return subprocess.run(
        command, env={**environ, "PATH": os.environ["PATH"]}, cwd=SOURCE, check=True, stdout=subprocess.PIPE, text=True,
        timeout=60,
    ).stdout  # fmt: skip
