"""Reply: every fault works over both protocols, and replies are sent in their order."""

from __future__ import annotations

import http.client
import math
import time
from urllib.parse import urlsplit

import grpc
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsPartialSuccess,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from otel_tbot.testing import OTLPReceiver, Reply
from tests.unit.testing.clients import (
    EXPORT_TRACES,
    TIMEOUT_SECONDS,
    call,
    export_log_record,
    log_exporter,
    method_on,
    post,
)


def _fail(receiver: OTLPReceiver) -> grpc.RpcError:
    """Make a gRPC call that must fail."""
    with pytest.raises(grpc.RpcError) as caught:
        call(receiver, b"")
    return caught.value


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (302, grpc.StatusCode.UNKNOWN),
        (400, grpc.StatusCode.INVALID_ARGUMENT),
        (401, grpc.StatusCode.UNAUTHENTICATED),
        (403, grpc.StatusCode.PERMISSION_DENIED),
        (404, grpc.StatusCode.UNIMPLEMENTED),
        (413, grpc.StatusCode.RESOURCE_EXHAUSTED),
        (418, grpc.StatusCode.UNKNOWN),
        (429, grpc.StatusCode.RESOURCE_EXHAUSTED),
        (500, grpc.StatusCode.INTERNAL),
        (501, grpc.StatusCode.UNIMPLEMENTED),
        (502, grpc.StatusCode.UNAVAILABLE),
        (503, grpc.StatusCode.UNAVAILABLE),
        (504, grpc.StatusCode.UNAVAILABLE),
        (599, grpc.StatusCode.UNKNOWN),
    ],
)
def test_status(receiver: OTLPReceiver, status: int, code: grpc.StatusCode) -> None:
    """An HTTP status is sent over HTTP, its gRPC code over gRPC, and the request is kept."""
    receiver.reply(Reply(status=status))

    assert post(receiver, b"").status == status
    assert _fail(receiver).code() is code
    assert len(receiver.requests) == 2


@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_status_of_success(receiver: OTLPReceiver, status: int) -> None:
    """Every 2xx status is OK over gRPC."""
    receiver.reply(Reply(status=status))

    assert post(receiver, b"").status == status
    assert call(receiver, b"") == b""


def test_error_message(receiver: OTLPReceiver) -> None:
    """An error has the configured message."""
    receiver.reply(Reply(status=503, error_message="come back later"))
    in_http = ExportLogsPartialSuccess.FromString(post(receiver, b"").body)  # the same on the wire as google.rpc.Status

    assert (in_http.rejected_log_records, in_http.error_message) == (14, "come back later")
    assert _fail(receiver).details() == "come back later"


def test_grpc_code(receiver: OTLPReceiver) -> None:
    """A gRPC code can be chosen freely, and changes nothing over HTTP."""
    receiver.reply(Reply(grpc_code=grpc.StatusCode.ABORTED))

    assert _fail(receiver).code() is grpc.StatusCode.ABORTED
    assert post(receiver, b"").status == 200


@pytest.mark.parametrize(("status", "sent"), [(200, 307), (302, 302), (308, 308)])
def test_redirect(receiver: OTLPReceiver, status: int, sent: int) -> None:
    """A redirect has its target and status 307, or the configured 3xx."""
    receiver.reply(Reply(status=status, redirect="http://127.0.0.1:1/v1/logs"))
    answer = post(receiver, b"")

    assert (answer.status, answer.headers["location"]) == (sent, "http://127.0.0.1:1/v1/logs")
    assert _fail(receiver).code() is grpc.StatusCode.UNKNOWN


def test_drop(receiver: OTLPReceiver) -> None:
    """A dropped connection is closed without an answer; over gRPC the call ends with UNAVAILABLE."""
    receiver.reply(Reply(drop=True))

    with pytest.raises(http.client.RemoteDisconnected):
        post(receiver, b"")
    assert _fail(receiver).code() is grpc.StatusCode.UNAVAILABLE
    assert len(receiver.requests) == 2


def test_delay(receiver: OTLPReceiver) -> None:
    """An answer is not sent before its delay is over."""
    receiver.reply(Reply(delay=0.2))
    begin = time.monotonic()
    post(receiver, b"")
    call(receiver, b"")

    assert time.monotonic() - begin >= 0.4


@pytest.mark.parametrize("error_message", ["", "too old"])
@pytest.mark.parametrize("rejected", [0, 2])
def test_partial_success(receiver: OTLPReceiver, rejected: int, error_message: str) -> None:
    """A partial success says how many were rejected and why, for logs and traces alike."""
    receiver.reply(Reply(rejected=rejected, error_message=error_message))

    for logs in (post(receiver, b"").body, call(receiver, b"")):
        response = ExportLogsServiceResponse.FromString(logs)
        assert response.partial_success.rejected_log_records == rejected
        assert response.partial_success.error_message == error_message
        assert response.HasField("partial_success") == bool(rejected or error_message)
    for traces in (post(receiver, b"", path="/v1/traces").body, call(receiver, b"", method=EXPORT_TRACES)):
        partial = ExportTraceServiceResponse.FromString(traces).partial_success
        assert (partial.rejected_spans, partial.error_message) == (rejected, error_message)


def test_headers(receiver: OTLPReceiver) -> None:
    """Headers are sent over HTTP, and replace the receiver's own of the same name."""
    receiver.reply(Reply(headers={"Retry-After": "7", "Content-Type": "text/html"}))
    headers = post(receiver, b"").headers

    assert (headers["retry-after"], headers["content-type"]) == ("7", "text/html")


def test_metadata(receiver: OTLPReceiver) -> None:
    """Headers are sent over gRPC as trailing metadata, binary ones too, with an error and without."""
    receiver.reply(Reply(headers={"Retry-After": "7", "details-bin": b"\x00"}), Reply(status=503, headers={"A": "b"}))
    with grpc.insecure_channel(urlsplit(receiver.grpc_endpoint).netloc) as channel:
        export = method_on(channel)
        _, good = export.with_call(b"", timeout=TIMEOUT_SECONDS)
        bad = export.future(b"", timeout=TIMEOUT_SECONDS)

        assert {("retry-after", "7"), ("details-bin", b"\x00")} <= set(good.trailing_metadata())
        assert bad.exception() is not None
        assert ("a", "b") in bad.trailing_metadata()


def test_body(receiver: OTLPReceiver) -> None:
    """A body replaces the default one, over both protocols."""
    receiver.reply(Reply(body=b"anything"))

    assert post(receiver, b"").body == b"anything"
    assert call(receiver, b"") == b"anything"


def test_in_turn(receiver: OTLPReceiver) -> None:
    """Several replies are sent in turn, and the last one forever."""
    receiver.reply(Reply(status=503), Reply(status=429), Reply())

    assert [post(receiver, b"").status for _ in range(4)] == [503, 429, 200, 200]


def test_reply_replaces(receiver: OTLPReceiver) -> None:
    """A new reply replaces those that were not yet sent."""
    receiver.reply(Reply(status=503), Reply(status=429))
    receiver.reply(Reply())

    assert post(receiver, b"").status == 200


def test_no_reply(receiver: OTLPReceiver) -> None:
    """An empty list of replies is an error."""
    with pytest.raises(ValueError, match="no reply is given"):
        receiver.reply()


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_retry(receiver: OTLPReceiver, protocol: str) -> None:
    """OpenTelemetry's exporter retries after 503, and succeeds."""
    receiver.reply(Reply(status=503), Reply())

    assert export_log_record(log_exporter(receiver, protocol))
    assert len(receiver.requests) == 2


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_failure(receiver: OTLPReceiver, protocol: str) -> None:
    """OpenTelemetry's exporter fails after 401."""
    receiver.reply(Reply(status=401))

    assert not export_log_record(log_exporter(receiver, protocol))
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"status": 199}, "status is 199"),
        ({"status": 600}, "status is 600"),
        ({"delay": -1}, "delay is -1"),
        ({"delay": math.nan}, "delay is nan"),
        ({"rejected": -1}, "rejected is -1"),
        ({"redirect": "http://127.0.0.1:1", "status": 400}, "status is 400, which does not redirect"),
    ],
)
def test_impossible(values: dict[str, object], message: str) -> None:
    """A reply that no server could send is rejected, with advice."""
    with pytest.raises(ValueError, match=message):
        Reply(**values)  # type: ignore[arg-type]  # parametrized
