"""Any request to the receiver is answered without an internal error, and only allowed values are forwarded."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

pytest.importorskip("connectrpc", reason="serve needs its extra")

from otel_tbot.otlp.client import ExportResult
from otel_tbot.receiver.app import Application
from otel_tbot.receiver.metrics import Counters
from otel_tbot.records import build_record, encode_request
from tests.fuzz import in_memory_backend
from tests.integration.receiver.http_client import GO, PATH
from tests.integration.receiver.http_client import request as message

if TYPE_CHECKING:
    from otel_tbot.receiver.batch_queue import Submission

ACCEPTED = 200
REFUSED = {400, 404, 405, 408, 413, 415, 429, 431, 501, 503}
EVENT = message(at=1_700_000_000)
TEXTS = st.one_of(st.text(max_size=80), st.sampled_from(["18.2.3", "github", "gha:a/b", "", "1.0"]))
NUMBERS = st.one_of(st.integers(-(2**31), 2**31 - 1), st.integers(0, 9))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
SESSIONS = st.one_of(st.uuids(version=4).map(str), st.uuids().map(str), TEXTS)
STARTS = st.fixed_dictionaries(
    {"runMode": st.sampled_from(["RUN_MODE_ONE_SHOT", "RUN_MODE_DAEMON", "RUN_MODE_UNSPECIFIED", 7])},
    optional={
        **dict.fromkeys(("version", "joinType", "helper", "helperVersion"), TEXTS),
        **dict.fromkeys(("destinationsOther", "destinationsDatabase", "destinationsKubernetes"), NUMBERS),
        "canary": VALUES,
    },
)
DOCUMENTS = st.fixed_dictionaries(
    {"distinctId": SESSIONS, "start": STARTS},
    optional={"timestamp": st.one_of(st.datetimes().map(lambda at: f"{at.isoformat()}Z"), VALUES), "more": VALUES},
)


class Backend:
    """Replaces the queue: keeps every submission, and reports it as delivered."""

    def __init__(self) -> None:
        """Start without submissions."""
        self.submissions: list[Submission] = []

    async def deliver(self, submission: Submission) -> ExportResult:
        """Keep a submission."""
        self.submissions.append(submission)
        return ExportResult(accepted=True, reason="")


def status_of(body: bytes, headers: dict[str, str], *, method: str = "POST", path: str = PATH) -> int:
    """Send a request to the application, check everything that it forwards, and return the status of the answer."""
    backend, counters = Backend(), Counters()
    application = Application(
        backend,  # type: ignore[arg-type]  # it has the one method that is called
        counters,
        peer_rate=1e9,
        ready=lambda: asyncio.sleep(0, ExportResult(accepted=True, reason="")),
        over_capacity=lambda: False,
    )
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "method": method,
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "client": ("192.0.2.1", 4711),
        "server": ("192.0.2.2", 4319), "extensions": {},
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
    }  # fmt: skip
    answer: list[dict[str, Any]] = []
    asyncio.run(_exchange(application, scope, body, answer))
    status = int(answer[0]["status"])
    assert (status == ACCEPTED) == bool(backend.submissions)
    assert counters.received + sum(counters.refused.values()) >= 1
    items = [build_record("logs", event, session, timestamp_ns=at) for event, session, at in backend.submissions]
    bodies = [encode_request("logs", [item]).SerializeToString() for item in items]
    assert len(in_memory_backend.log_records(bodies)) == len(items)
    return status


async def _exchange(application: Application, scope: dict[str, Any], body: bytes, answer: list[dict[str, Any]]) -> None:
    parts = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if parts:
            return parts.pop()
        await asyncio.Event().wait()  # the client waits for its answer
        raise AssertionError

    async def send(part: Any) -> None:  # noqa: ANN401  ASGI's messages
        answer.append(part)

    await asyncio.wait_for(application(scope, receive, send), 20)


def as_json(document: object) -> bytes:
    """Return a document as JSON, if its strings can be encoded."""
    return json.dumps(document).encode("utf-8", "replace")


@given(st.binary(max_size=300))
@example(b"")
@example(EVENT)
@example(EVENT[:-1])
@example(EVENT + b"\xff")
def test_any_bytes(body: bytes) -> None:
    """Bytes are refused, or read if they are a message of tbot's."""
    assert status_of(body, GO) in {ACCEPTED, *REFUSED}


@given(st.data())
def test_mutations(data: st.DataObject) -> None:
    """A real message with some bytes replaced, removed or repeated is refused or read."""
    body = bytearray(EVENT)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    assert status_of(bytes(body), GO) in {ACCEPTED, *REFUSED}


@given(DOCUMENTS)
def test_any_values(document: dict[str, object]) -> None:
    """A JSON message with any values is read, and only allowed values are sent."""
    assert status_of(as_json(document), {**GO, "Content-Type": "application/json"}) in {ACCEPTED, *REFUSED}


@given(VALUES)
def test_any_json(document: object) -> None:
    """JSON that is not a message is refused."""
    assert status_of(as_json(document), {**GO, "Content-Type": "application/json"}) in REFUSED


@given(
    headers=st.dictionaries(
        st.sampled_from(
            ["Content-Encoding", "Content-Type", "Connect-Timeout-Ms", "Connect-Protocol-Version", "X-Any"]
        ),
        st.one_of(
            st.sampled_from(["gzip", "identity", "br", "application/proto", "application/json; charset=utf-8", "1"]),
            st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30),
        ),
    ),
    method=st.sampled_from(["POST", "GET", "PUT", "OPTIONS", "HEAD"]),
    path=st.one_of(st.just(PATH), st.just(f"/secret{PATH}"), st.text(max_size=40).map(lambda text: f"/{text}")),
    zipped=st.booleans(),
)
@example(headers={"Content-Encoding": "gzip"}, method="POST", path=PATH, zipped=True)
def test_any_headers(headers: dict[str, str], method: str, path: str, *, zipped: bool) -> None:
    """Any method, path and headers are answered."""
    body = gzip.compress(EVENT) if zipped else EVENT
    if path.endswith(PATH):
        assert status_of(body, {**GO, **headers}, method=method, path=path) in {ACCEPTED, *REFUSED}
    elif path not in {"/healthz", "/readyz"}:
        assert status_of(body, {**GO, **headers}, method=method, path=path) in REFUSED
