"""The meaning of a backend's response: accepted, or the reason why not."""

from __future__ import annotations

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

from otel_tbot.otlp.response import rejection_reason

REJECTED = ("rejected_log_records", "log record(s)")
NOT_OTLP = "the backend's response is not an OTLP response: is this an OTLP endpoint?"
JSON = "application/json"
PROTOBUF = "application/x-protobuf"


def reason_for(status: int, content_type: str, body: bytes | None) -> str:
    """Judge a response to log records."""
    return rejection_reason(status, content_type, body, ExportLogsServiceResponse, REJECTED)


@pytest.mark.parametrize("status", [200, 202, 299])
@pytest.mark.parametrize("content_type", [PROTOBUF, JSON, "text/html", ""])
def test_empty_body(status: int, content_type: str) -> None:
    """A success status without a body is an acceptance."""
    assert reason_for(status, content_type, b"") == ""


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (300, "the backend redirected (HTTP 300): configure the address it redirects to"),
        (399, "the backend redirected (HTTP 399): configure the address it redirects to"),
        (101, "the backend answered HTTP 101"),
        (199, "the backend answered HTTP 199"),
        (400, "the backend answered HTTP 400"),
        (999, "the backend answered HTTP 999"),
    ],
)
def test_other_status(status: int, reason: str) -> None:
    """Any other status is a failure, regardless of the body."""
    assert reason_for(status, PROTOBUF, b"") == reason


def test_long_body() -> None:
    """A body too long to be read completely is not an OTLP response."""
    assert reason_for(200, PROTOBUF, None).startswith("the backend's response is too long")


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"partialSuccess": null}',
        b'{"partialSuccess": {}}',
        b'{"partialSuccess": {"rejectedLogRecords": null}}',
        b'{"partialSuccess": {"rejectedLogRecords": "0", "errorMessage": "please upgrade"}}',
        b'{"partial_success": {"rejected_log_records": 0}, "unknown": [1]}',
    ],
)
@pytest.mark.parametrize("content_type", [JSON, "Application/JSON; charset=utf-8"])
def test_accepted_in_json(content_type: str, body: bytes) -> None:
    """JSON is read by the rules of proto3: either spelling, null for unset, unknown fields ignored."""
    assert reason_for(200, content_type, body) == ""


@pytest.mark.parametrize("count", [b"7", b'"7"', b"7.0"])
@pytest.mark.parametrize(
    "names", [(b"partialSuccess", b"rejectedLogRecords"), (b"partial_success", b"rejected_log_records")]
)
def test_rejected_in_json(names: tuple[bytes, bytes], count: bytes) -> None:
    """The number of rejected records is read in either spelling, also as a string."""
    assert reason_for(200, JSON, b'{"%s": {"%s": %s}}' % (*names, count)) == "the backend rejected 7 log record(s)"


@pytest.mark.parametrize(
    "body",
    [
        *(b"[]", b"1", b"null", b'"text"', b"{", b"\xff", b"[" * 60_000),
        *(b'{"partialSuccess": 1}', b'{"partialSuccess": {"rejectedLogRecords": "x"}}'),
    ],
)
def test_other_json(body: bytes) -> None:
    """Any other JSON is not an OTLP response."""
    assert reason_for(200, JSON, body) == NOT_OTLP


def test_protobuf() -> None:
    """A protobuf response is parsed."""
    answer = ExportLogsServiceResponse()
    answer.partial_success.error_message = "please upgrade"
    assert reason_for(200, PROTOBUF, answer.SerializeToString()) == ""
    answer.partial_success.rejected_log_records = 3
    assert reason_for(200, PROTOBUF, answer.SerializeToString()) == "the backend rejected 3 log record(s)"
    assert reason_for(200, PROTOBUF, b"\x78\x01") == ""  # field 15, which a later OTLP may have
    assert reason_for(200, PROTOBUF, b"\xff") == NOT_OTLP


OTHER_TYPES = ("application/protobuf", "application/octet-stream", "text/plain", "")


@pytest.mark.parametrize("content_type", OTHER_TYPES)
def test_other_type(content_type: str) -> None:
    """A body that parses as OTLP's response is accepted or rejected by its content, even with another content type."""
    answer = ExportLogsServiceResponse()
    answer.partial_success.error_message = "please upgrade " * 20
    answer.partial_success.rejected_log_records = 3
    rejected = "the backend rejected 3 log record(s)"
    assert reason_for(200, content_type, answer.SerializeToString()) == rejected
    assert reason_for(200, content_type, b'{"partialSuccess": {"rejectedLogRecords": 3}}') == rejected
    assert reason_for(200, content_type, b"{}") == reason_for(200, content_type, b'{"partialSuccess": null}') == ""


@pytest.mark.parametrize("content_type", OTHER_TYPES)
@pytest.mark.parametrize("word", [b"OK", b"ok\n", b"accepted", b'"ok"', b"x" * 64])
def test_word(content_type: str, word: bytes) -> None:
    """A single word with a success status is an acceptance, because some backends answer so."""
    assert reason_for(200, content_type, word) == ""


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/html", b"OK"),
        ("text/plain", b"<p>Please log in</p>"),
        ("", b"<html>"),
        ("text/plain", b"x" * 65),
        ("text/plain", b"x" * 66),  # protobuf of unknown fields
        (JSON, b"OK"),
        (JSON, b"\n\x02\x08\x03"),  # protobuf that rejects three
        (PROTOBUF, b"OK"),
    ],
)
def test_page(content_type: str, body: bytes) -> None:
    """A page, a long text, and a body that does not match its content type are not acceptances."""
    assert reason_for(200, content_type, body) == NOT_OTLP
