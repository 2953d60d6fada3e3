"""OTLP/gRPC: valid requests are kept as received, and invalid ones are refused with the right code."""

from __future__ import annotations

from urllib.parse import urlsplit

import grpc
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from otel_tbot.testing import OTLPReceiver
from tests.unit.testing.clients import EXPORT_LOGS, TIMEOUT_SECONDS, call, method_on, one_log_record


def test_request_is_kept_as_received(receiver: OTLPReceiver) -> None:
    """A request is available with its bytes, metadata, method and message."""
    body = one_log_record()
    metadata = (("x-name", "one"), ("x-name", "two"), ("x-bin", b"\x00\xff"))
    with grpc.insecure_channel(urlsplit(receiver.grpc_endpoint).netloc) as channel:
        method_on(channel)(body, metadata=metadata, timeout=TIMEOUT_SECONDS)

    (request,) = receiver.requests
    assert request.body == body
    assert request.message == ExportLogsServiceRequest.FromString(body)
    assert request.path == EXPORT_LOGS
    assert request.headers["x-name"] == "one, two"
    assert request.headers["x-bin"] == "AP8="


def test_default_answer(receiver: OTLPReceiver) -> None:
    """The default answer leaves `partial_success` unset, as the specification requires."""
    assert call(receiver, one_log_record()) == b""


def test_undecodable(receiver: OTLPReceiver) -> None:
    """Undecodable bytes get INVALID_ARGUMENT, count as refused, and not as a request."""
    with pytest.raises(grpc.RpcError) as caught:
        call(receiver, b"not protobuf")

    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details() == "the body is not a valid ExportLogsServiceRequest in protobuf"
    assert (receiver.requests, receiver.malformed_requests) == ([], 1)


def test_unknown_method(receiver: OTLPReceiver) -> None:
    """An unsupported signal gets UNIMPLEMENTED."""
    with pytest.raises(grpc.RpcError) as caught:
        call(receiver, b"", method="/opentelemetry.proto.collector.metrics.v1.MetricsService/Export")

    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_too_large() -> None:
    """A message above the limit gets RESOURCE_EXHAUSTED."""
    with OTLPReceiver(max_body_bytes=1000) as receiver:
        with pytest.raises(grpc.RpcError) as caught:
            call(receiver, bytes(1001))

        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert receiver.requests == []
