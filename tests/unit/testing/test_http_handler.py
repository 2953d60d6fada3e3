"""OTLP/HTTP: valid requests are kept as received, and invalid ones are refused as the specification says."""

from __future__ import annotations

import gzip
import json
import socket
import zlib
from typing import TYPE_CHECKING

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsPartialSuccess,
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)

from otel_tbot.testing import OTLPReceiver, Reply
from tests.unit.testing.clients import JSON, PROTOBUF, TIMEOUT_SECONDS, address, connect, one_log_record, post

if TYPE_CHECKING:
    from collections.abc import Iterator

TORN_GZIP = gzip.compress(b"\n\x00" * 9, mtime=0)[:-9]
ONE_JSON = (
    b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"eventName":"tbot.start","timeUnixNano":"7","severityNumber":9,'
    b'"traceId":"0102030405060708090A0b0c0d0e0f10","spanId":"0102030405060708","unheardOf":{"x":[1]}}]}]}]}'
)


def test_request_is_kept_as_received(receiver: OTLPReceiver) -> None:
    """A request is available with its bytes, headers, path and message."""
    body = one_log_record()
    post(receiver, body, {**PROTOBUF, "X-Name": "Value"}, path="/v1/logs?a=b")

    (request,) = receiver.requests
    assert request.body == body
    assert request.message == ExportLogsServiceRequest.FromString(body)
    assert request.path == "/v1/logs?a=b"
    assert request.headers["x-name"] == "Value"
    assert request.headers["content-length"] == str(len(body))


def test_repeated_header(receiver: OTLPReceiver) -> None:
    """The values of a repeated header are joined."""
    connection = connect(receiver)
    connection.putrequest("POST", "/v1/logs")
    for name, value in (*PROTOBUF.items(), ("X-Name", "one"), ("x-name", "two"), ("Content-Length", "0")):
        connection.putheader(name, value)
    connection.endheaders()
    connection.getresponse().read()
    connection.close()

    assert receiver.requests[0].headers["x-name"] == "one, two"


@pytest.mark.parametrize(("coding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_compressed(receiver: OTLPReceiver, coding: str, compress: type[bytes]) -> None:
    """A compressed request is decoded, and its bytes are kept compressed."""
    body = compress(one_log_record())
    answer = post(receiver, body, {**PROTOBUF, "Content-Encoding": coding})

    assert answer.status == 200
    assert receiver.requests[0].body == body
    assert len(receiver.log_records) == 1


def test_chunked(receiver: OTLPReceiver) -> None:
    """A chunked request is assembled, without chunk extensions and trailers."""
    body = one_log_record()
    head = b"POST /v1/logs HTTP/1.1\r\nContent-Type: application/x-protobuf\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = b"%x;ext=1\r\n%b\r\n%X\r\n%b\r\n0\r\nTrailer: x\r\n\r\n" % (3, body[:3], len(body) - 3, body[3:])
    answer = _exchange(receiver, head + chunks)

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert receiver.requests[0].body == body


def test_json(receiver: OTLPReceiver) -> None:
    """OTLP/JSON is decoded, including hexadecimal ids, and unknown fields are ignored."""
    answer = post(receiver, ONE_JSON, {"Content-Type": "application/json; charset=utf-8"})

    assert (answer.status, answer.headers["content-type"], answer.body) == (200, "application/json", b"{}")
    assert receiver.requests[0].protocol == "http/json"
    log_record = receiver.log_records[0].log_record
    assert log_record.trace_id == bytes(range(1, 17))
    assert log_record.span_id == bytes(range(1, 9))
    assert (log_record.event_name, log_record.time_unix_nano, log_record.severity_number) == ("tbot.start", 7, 9)


def test_default_answer(receiver: OTLPReceiver) -> None:
    """The default answer has status 200 and leaves `partial_success` unset, as the specification requires."""
    answer = post(receiver, one_log_record())

    assert (answer.status, answer.headers["content-type"], answer.body) == (200, "application/x-protobuf", b"")


def test_keep_alive(receiver: OTLPReceiver) -> None:
    """One connection can carry many requests, including refused ones."""
    connection = connect(receiver)
    statuses = []
    for path in ("/v1/logs", "/v1/metrics", "/v1/traces"):
        connection.request("POST", path, b"", PROTOBUF)
        response = connection.getresponse()
        response.read()
        statuses.append(response.status)
    connection.close()

    assert statuses == [200, 404, 200]
    assert receiver.connections == 1


@pytest.mark.parametrize(
    ("status", "request_parts"),
    [
        (400, ("POST", "/v1/logs", PROTOBUF, b"not protobuf")),
        (400, ("POST", "/v1/traces", PROTOBUF, b"not protobuf")),
        (400, ("POST", "/v1/logs", JSON, b"not JSON")),
        (400, ("POST", "/v1/logs", JSON, b"[]")),
        (400, ("POST", "/v1/logs", JSON, b"\xff\xff\xff")),
        (400, ("POST", "/v1/logs", JSON, b'{"resourceLogs":7}')),
        (400, ("POST", "/v1/logs", JSON, b"[" * 100_000)),
        (400, ("POST", "/v1/logs", JSON, b'{"a":' * 9000 + b"1" + b"}" * 9000)),
        (400, ("POST", "/v1/logs", JSON, ONE_JSON.replace(b"0102", b"xyzt"))),
        (400, ("POST", "/v1/logs", {**PROTOBUF, "Content-Encoding": "gzip"}, b"not gzip")),
        (400, ("POST", "/v1/logs", {**PROTOBUF, "Content-Encoding": "gzip"}, TORN_GZIP)),
        (400, ("POST", "/v1/logs", {**PROTOBUF, "Content-Encoding": "deflate"}, b"not deflate")),
        (400, ("POST", "/v1/logs", {**PROTOBUF, "Content-Encoding": "deflate"}, zlib.compress(b"\n\x00" * 9)[:-5])),
        (400, ("POST", "/v1/logs", {**PROTOBUF, "Content-Length": "-1"}, b"")),
        (404, ("POST", "/", PROTOBUF, b"")),
        (404, ("POST", "/v1/metrics", PROTOBUF, b"")),
        (404, ("GET", "/v1/logs/", {}, b"")),
        (405, ("GET", "/v1/logs", {}, b"")),
        (405, ("PUT", "/v1/traces", PROTOBUF, one_log_record())),
        (405, ("HEAD", "/v1/logs", {}, b"")),
        (415, ("POST", "/v1/logs", {}, b"")),
        (415, ("POST", "/v1/logs", {"Content-Type": "text/plain"}, b"")),
        (415, ("POST", "/v1/logs", {**PROTOBUF, "Content-Encoding": "br"}, b"")),
        (501, ("BREW", "/v1/logs", {}, b"")),
        (501, ("POST", "/v1/logs", {**PROTOBUF, "Transfer-Encoding": "gzip"}, b"")),
    ],
)
def test_refused(receiver: OTLPReceiver, status: int, request_parts: tuple[str, str, dict[str, str], bytes]) -> None:
    """Anything but OTLP/HTTP gets the matching status, counts as refused, and not as a request."""
    method, path, headers, body = request_parts

    assert post(receiver, body, headers, path=path, method=method).status == status
    assert (receiver.requests, receiver.malformed_requests) == ([], 1)


@pytest.mark.parametrize(
    "chunks",
    [b"x\r\n", b"\r\n", b"-1\r\n", b"3\r\nabcd\r\n"],
)
def test_bad_chunks(receiver: OTLPReceiver, chunks: bytes) -> None:
    """Chunks without a usable size get status 400, and end the connection."""
    head = b"POST /v1/logs HTTP/1.1\r\nContent-Type: application/x-protobuf\r\nTransfer-Encoding: chunked\r\n\r\n"

    assert _exchange(receiver, head + chunks).startswith(b"HTTP/1.1 400 ")


def test_refusal_ignores_the_reply(receiver: OTLPReceiver) -> None:
    """A request that is not OTLP is refused regardless of the configured replies, and uses none of them up."""
    receiver.reply(Reply(status=503), Reply())

    assert [post(receiver, body).status for body in (b"not protobuf", b"", b"")] == [400, 503, 200]


def test_allow(receiver: OTLPReceiver) -> None:
    """Status 405 names the allowed method, as HTTP requires."""
    assert post(receiver, b"", method="GET").headers["allow"] == "POST"


def test_refusal_says_why(receiver: OTLPReceiver) -> None:
    """A refusal says what is wrong in a `google.rpc.Status`, in the encoding of the request."""
    in_json = json.loads(post(receiver, b"[]", JSON).body)
    in_protobuf = ExportLogsPartialSuccess.FromString(post(receiver, b"not protobuf").body)  # like Status

    assert in_json == {"code": 3, "message": "ExportLogsServiceRequest in OTLP/JSON must be an object, not list"}
    assert in_protobuf.rejected_log_records == 3
    assert in_protobuf.error_message == "the body is not a valid ExportLogsServiceRequest in protobuf"


@pytest.fixture
def small() -> Iterator[OTLPReceiver]:
    """Run a receiver that accepts at most a thousand bytes."""
    with OTLPReceiver(max_body_bytes=1000) as running:
        yield running


def _log_request_of(size: int) -> bytes:
    """Encode a request of exactly this many bytes: an unknown field is valid protobuf."""
    filler = size - 4  # two bytes of tag, two of length
    return b"\xfa\x3f" + bytes([filler & 0x7F | 0x80, filler >> 7]) + bytes(filler)


def test_largest_body(small: OTLPReceiver) -> None:
    """A body at the limit is accepted, compressed or not."""
    body = _log_request_of(1000)

    assert post(small, body).status == 200
    assert post(small, gzip.compress(body), {**PROTOBUF, "Content-Encoding": "gzip"}).status == 200
    assert post(small, zlib.compress(body), {**PROTOBUF, "Content-Encoding": "deflate"}).status == 200


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("identity", _log_request_of(1001)),
        ("identity", bytes(8 * 1024 * 1024)),
        ("gzip", gzip.compress(_log_request_of(1001), mtime=0)),
        ("gzip", gzip.compress(bytes(900_000), mtime=0)),
        ("deflate", zlib.compress(_log_request_of(1001))),
        ("deflate", zlib.compress(bytes(900_000))),
    ],
    ids=range(6),
)
def test_too_large(small: OTLPReceiver, coding: str, body: bytes) -> None:
    """A body above the limit gets status 413, and the client can read the answer."""
    assert post(small, body, {**PROTOBUF, "Content-Encoding": coding}).status == 413
    assert small.malformed_requests == 1


def test_too_large_content_length(small: OTLPReceiver) -> None:
    """A body whose announced length is too large is refused before it is sent."""
    answer = _exchange(small, b"POST /v1/logs HTTP/1.1\r\nContent-Length: 1001\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 413 ")


def test_too_large_in_chunks(small: OTLPReceiver) -> None:
    """A chunked body is refused as soon as the announced chunks exceed the limit."""
    head = b"POST /v1/logs HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = _exchange(small, head + b"1f4\r\n" + bytes(500) + b"\r\n1f5\r\n")

    assert answer.startswith(b"HTTP/1.1 413 ")


def test_client_that_disconnects(receiver: OTLPReceiver) -> None:
    """A client that disconnects within a body causes no request and no error."""
    assert _exchange(receiver, b"POST /v1/logs HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf") == b""
    assert _exchange(receiver, b"POST /v1/logs HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n") == b""

    assert post(receiver, b"").status == 200
    assert len(receiver.requests) == 1


def test_partial_success_is_decodable(receiver: OTLPReceiver) -> None:
    """A partial success comes in the encoding of the request."""
    receiver.reply(Reply(rejected=2, error_message="too old"))
    in_protobuf = ExportLogsServiceResponse.FromString(post(receiver, b"").body).partial_success

    assert (in_protobuf.rejected_log_records, in_protobuf.error_message) == (2, "too old")
    assert json.loads(post(receiver, b"{}", JSON, path="/v1/traces").body) == {
        "partialSuccess": {"rejectedSpans": "2", "errorMessage": "too old"}
    }


def _exchange(receiver: OTLPReceiver, sent: bytes) -> bytes:
    """Send bytes, close the sending side, and read the whole answer."""
    with socket.create_connection(address(receiver.http_endpoint), TIMEOUT_SECONDS) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while more := client.recv(65536):
            answer += more
        return answer
