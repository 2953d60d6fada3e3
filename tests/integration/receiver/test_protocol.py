"""The protocol: every case of a unary call in the Connect protocol, and its result."""

from __future__ import annotations

import gzip
import json
import struct
from collections import Counter
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

import pytest

from otel_tbot.receiver.wire.tbot_pb import TbotStartEvent
from tests.integration.receiver.http_client import (
    GO,
    PATH,
    SESSION,
    START,
    closed,
    connect,
    raw,
    request,
    send,
    submit,
    unknown_field,
)
from tests.support.faults import http2

if TYPE_CHECKING:
    from collections.abc import Mapping

    from otel_tbot.testing import OTLPReceiver
    from tests.integration.receiver.receiver_process import RunningReceiver

JSON = {**GO, "Content-Type": "application/json"}
AS_JSON = json.dumps(
    {
        "distinctId": SESSION,
        "timestamp": "2026-01-02T03:04:05Z",
        "start": {"runMode": "RUN_MODE_DAEMON", "destinationsOther": 1},
    }
).encode()
UPGRADE = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQAAP__"}
WEB = {"Content-Type": "application/grpc-web+proto", "X-Grpc-Web": "1"}


def frame(message: bytes) -> bytes:
    """Return a message in gRPC's framing."""
    return struct.pack(">BI", 0, len(message)) + message


class Accepted(NamedTuple):
    """An acknowledged request."""

    body: bytes
    headers: Mapping[str, str] = GO
    path: str = PATH


ACCEPTED = {
    "binary, as Go sends it": Accepted(request()),
    "without a protocol version": Accepted(request(), {"Content-Type": "application/proto"}),
    "without a time": Accepted(request(at=None)),
    "with a time": Accepted(request(at=1_767_323_045)),
    "binary, gzip": Accepted(gzip.compress(request()), {**GO, "Content-Encoding": "gzip"}),
    "binary, identity by name": Accepted(request(), {**GO, "Content-Encoding": "identity"}),
    "JSON": Accepted(AS_JSON, JSON),
    "JSON with a charset": Accepted(AS_JSON, {**GO, "Content-Type": "application/json; charset=utf-8"}),
    "JSON, gzip": Accepted(gzip.compress(AS_JSON), {**JSON, "Content-Encoding": "gzip"}),
    "JSON with an unknown field": Accepted(AS_JSON.replace(b'"start"', b'"later": {"a": [1]}, "start"'), JSON),
    "an unknown field": Accepted(request() + unknown_field(99)),
    "a timeout": Accepted(request(), {**GO, "Connect-Timeout-Ms": "5000"}),
    "a longer timeout than ours": Accepted(request(), {**GO, "Connect-Timeout-Ms": "9999999999"}),
    "with a path prefix": Accepted(request(), path=f"/secret/path{PATH}"),
    "with the service's own name as prefix": Accepted(request(), path=f"/prehog.v1alpha.TbotReportingService{PATH}"),
    "a negative time": Accepted(request(at=-5)),
}


@pytest.mark.parametrize("case", ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(port: int, backend: OTLPReceiver, case: Accepted) -> None:
    """The request is acknowledged by an empty message, in the encoding of the request, and the event has arrived."""
    answer = submit(port, case.body, case.headers, path=case.path)
    kind = case.headers["Content-Type"].partition(";")[0]
    assert (answer.status, answer.headers["content-type"]) == (200, kind)
    assert answer.body == (b"{}" if kind == "application/json" else b"")
    assert answer.headers.get("content-encoding", "identity") == "identity"
    assert len(backend.log_records) == 1


class Refused(NamedTuple):
    """A refused request: its HTTP status, and the code if it was recognized as a call."""

    status: int
    code: str
    body: bytes
    headers: Mapping[str, str] = GO
    method: str = "POST"
    path: str = PATH


def _start(**values: int) -> bytes:
    return request(TbotStartEvent(run_mode=TbotStartEvent.RunMode.DAEMON, **values))  # type: ignore[arg-type]  # only counters


REFUSED = {
    "no start event": Refused(400, "invalid_argument", request(None)),
    "an empty message": Refused(400, "invalid_argument", b""),
    "no session": Refused(400, "invalid_argument", request(session="")),
    "a session that is not a UUID": Refused(400, "invalid_argument", request(session="host-1.example")),
    "a session of version 1": Refused(400, "invalid_argument", request(session=f"{SESSION[:14]}1{SESSION[15:]}")),
    "no run mode": Refused(400, "invalid_argument", request(TbotStartEvent())),
    "an unknown run mode": Refused(400, "invalid_argument", request(None) + b"\x1a\x02\x08\x07"),
    "a negative counter": Refused(400, "invalid_argument", _start(destinations_database=-1)),
    "garbage": Refused(400, "invalid_argument", b"\xff\xff\xff\xff"),
    "garbage in place of JSON": Refused(400, "invalid_argument", b"{", JSON),
    "deeply nested lists": Refused(400, "invalid_argument", b"[" * 60_000, JSON),
    "deeply nested objects": Refused(400, "invalid_argument", b'{"start":' * 6_000, JSON),
    "a wrong type in JSON": Refused(400, "invalid_argument", b'{"distinctId": {}}', JSON),
    "invalid gzip": Refused(400, "invalid_argument", b"not gzip", {**GO, "Content-Encoding": "gzip"}),
    "an unknown compression": Refused(501, "unimplemented", request(), {**GO, "Content-Encoding": "br"}),
    "an unknown protocol version": Refused(400, "invalid_argument", request(), {**GO, "Connect-Protocol-Version": "2"}),
    "an invalid timeout": Refused(400, "invalid_argument", request(), {**GO, "Connect-Timeout-Ms": "soon"}),
    "a timeout of eleven digits": Refused(
        400, "invalid_argument", request(), {**GO, "Connect-Timeout-Ms": "1" * 11}
    ),
    "a timeout of very many digits": Refused(
        400, "invalid_argument", request(), {**GO, "Connect-Timeout-Ms": "1" * 5000}
    ),
    "a timeout of zero": Refused(504, "deadline_exceeded", request(), {**GO, "Connect-Timeout-Ms": "0"}),
    "a message over the limit": Refused(429, "resource_exhausted", bytes(65 * 1024)),
    "a message over the limit after decompression": Refused(
        429, "resource_exhausted", gzip.compress(bytes(10**7)), {**GO, "Content-Encoding": "gzip"}
    ),
    "another content type": Refused(415, "", request(), {**GO, "Content-Type": "text/plain"}),
    "no content type": Refused(415, "", request(), {}),
    "gRPC": Refused(415, "", frame(request()), {"Content-Type": "application/grpc"}),
    "GET": Refused(405, "", b"", {}, method="GET", path=f"{PATH}?connect=v1&encoding=json&message=%7B%7D"),
    "PUT": Refused(405, "", request(), method="PUT"),
    "another method": Refused(404, "", request(), path=PATH + "s"),
    "another service": Refused(404, "", request(), path="/prehog.v1alpha.TeleportReportingService/SubmitTbotEvent"),
    "the root": Refused(404, "", b"", {}, method="GET", path="/"),
    "a header that is not ASCII": Refused(400, "", request(), {**GO, "X-Name": "caf\xe9"}),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_refused(port: int, backend: OTLPReceiver, case: Refused) -> None:
    """The request is refused in Connect's own form, and nothing is exported."""
    answer = submit(port, case.body, case.headers, method=case.method, path=case.path)
    assert answer.status == case.status
    if case.code:
        assert (answer.headers["content-type"], answer.code) == ("application/json", case.code)
    assert backend.log_records == []


def test_refusals_are_counted(running: RunningReceiver) -> None:
    """Each refusal is counted under its reason, and none is logged."""
    for case in REFUSED.values():
        submit(running.port, case.body, case.headers, method=case.method, path=case.path)
    assert running.stop() == 0
    phrases = (case.code or HTTPStatus(case.status).phrase.lower().replace(" ", "_") for case in REFUSED.values())
    expected = Counter(f"refused_{phrase}" for phrase in phrases)
    # Requests with an invalid version or timeout are refused before they are recognized as calls.
    expected["refused_invalid_argument"] -= 4
    expected["refused_bad_request"] += 4
    assert running.summary == {**running.summary, **expected, "refused": len(REFUSED)}
    assert [line for line in running.lines if "level=info" not in line] == []


def test_grpc_web(port: int, backend: OTLPReceiver) -> None:
    """gRPC-web, which needs no HTTP/2, is answered by an empty message followed by the status OK."""
    answer = submit(port, frame(request()), WEB)
    assert (answer.status, answer.headers["content-type"]) == (200, WEB["Content-Type"])
    assert answer.body.startswith(frame(b""))
    assert b"grpc-status: 0\r\n" in answer.body
    assert len(backend.log_records) == 1


def test_grpc_web_refused(port: int, backend: OTLPReceiver) -> None:
    """gRPC-web gets its own form of an error: the status INVALID_ARGUMENT."""
    answer = submit(port, frame(request(session="x")), WEB)
    assert answer.status == 200
    assert b"grpc-status: 3\r\n" in answer.body
    assert backend.log_records == []


def test_keep_alive(port: int, backend: OTLPReceiver) -> None:
    """A connection carries one event after another, even after a refused one."""
    with connect(port) as connection:
        for body, status in ((request(), 200), (b"\xff", 400), (request(), 200)):
            answer = send(connection, raw(body))
            assert (answer.status, answer.closes) == (status, False)
    assert len(backend.log_records) == 2


def test_pipelining(port: int, backend: OTLPReceiver) -> None:
    """Requests that are sent without waiting are answered in turn."""
    with connect(port) as connection:
        connection.sendall(raw(request()) * 3)
        connection.settimeout(10)
        answers = b""
        while answers.count(b"HTTP/1.1 200") < 3:
            answers += connection.recv(65536)
    assert len(backend.log_records) == 3


def test_expect_continue(port: int) -> None:
    """A client that asks before it sends the body gets status 100."""
    with connect(port) as connection:
        head, _, body = raw(request(), {**GO, "Expect": "100-continue"}).partition(b"\r\n\r\n")
        connection.sendall(head + b"\r\n\r\n")
        assert connection.recv(64).startswith(b"HTTP/1.1 100")
        assert send(connection, body).status == 200


def test_chunked_body(port: int, backend: OTLPReceiver) -> None:
    """A chunked body, into which a proxy may convert tbot's, is accepted as well."""
    body = request()
    chunked = b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (10, body[:10], len(body) - 10, body[10:])
    with connect(port) as connection:
        head = raw(b"", {**GO, "Transfer-Encoding": "chunked"})
        assert send(connection, head + chunked).status == 200
    assert backend.log_records[0].attributes["tbot.version"] == START.version


def test_http2_is_refused(port: int, backend: OTLPReceiver) -> None:
    """A client that uses HTTP/2 with prior knowledge, as Go's never does, is refused at once with a status."""
    body = request()
    pseudo = {":method": "POST", ":scheme": "http", ":authority": "receiver.example", ":path": PATH}
    headers = {**pseudo, **{name.lower(): value for name, value in GO.items()}, "content-length": str(len(body))}
    exchange = [
        http2.PREFACE,
        http2.frame(http2.SETTINGS, 0, 0),
        http2.frame(http2.HEADERS, http2.END_HEADERS, http2.CALL, http2.block(headers)),
        http2.frame(http2.DATA, http2.END_STREAM, http2.CALL, body),
    ]
    with connect(port) as connection:
        assert send(connection, b"".join(exchange)).status == 400
        assert closed(connection)
    assert backend.log_records == []


def test_upgrades_are_refused(port: int) -> None:
    """A request with a body to upgrade to another protocol is refused, because the body would be ambiguous."""
    answer = submit(port, headers={**GO, **UPGRADE})
    assert (answer.status, answer.closes) == (400, True)


def test_upgrades_are_ignored(running: RunningReceiver) -> None:
    """Without a body, an upgrade request is answered like any other, and the log has no advice to install packages."""
    answer = submit(running.port, b"", UPGRADE, method="GET", path="/healthz")
    assert (answer.status, answer.closes) == (200, True)
    assert running.stop() == 0
    assert "install" not in "".join(running.lines)


@pytest.mark.parametrize("data", [b"\x16\x03\x01\x02\x00\x01", b"nonsense\r\n\r\n", b"POST /\xe9 HTTP/1.1\r\n\r\n"])
def test_not_http(port: int, data: bytes) -> None:
    """Anything but HTTP gets status 400, and the connection is closed."""
    with connect(port) as connection:
        assert send(connection, data).status == 400
        assert connection.recv(1) == b""
    assert submit(port).status == 200
