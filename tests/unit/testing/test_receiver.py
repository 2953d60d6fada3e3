"""OTLPReceiver: it serves real exporters, and starts, counts, waits and stops as documented."""

from __future__ import annotations

import math
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc
import pytest

from otel_tbot.testing import TLS, OTLPReceiver, Reply
from otel_tbot.testing.http_server import HTTPServer
from tests.support.collector import wait_until
from tests.unit.testing.clients import (
    EXPORT_TRACES,
    PROMPT_SECONDS,
    PROTOBUF,
    TIMEOUT_SECONDS,
    address,
    call,
    export_log_record,
    export_span,
    log_exporter,
    method_on,
    one_log_record,
    post,
    span_exporter,
)

PROTOCOLS = ["grpc", "http/protobuf"]


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_log_record(receiver: OTLPReceiver, protocol: str, compressed: bool) -> None:  # noqa: FBT001  parametrized
    """A log record of OpenTelemetry's exporter arrives with its resource, scope and attributes."""
    assert export_log_record(log_exporter(receiver, protocol, compressed=compressed))

    (received,) = receiver.log_records
    assert received.log_record.event_name == "tbot.start"
    assert received.scope.name == "otel_tbot"
    assert received.attributes == {"tbot.run_mode": "daemon"}
    assert received.resource_attributes == {"service.name": "tbot"}
    assert receiver.spans == []
    assert [(request.signal, request.protocol) for request in receiver.requests] == [("logs", protocol)]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_span(receiver: OTLPReceiver, protocol: str) -> None:
    """A span of OpenTelemetry's exporter arrives with its resource, scope and attributes."""
    assert export_span(span_exporter(receiver, protocol))

    (received,) = receiver.spans
    assert received.span.name == "tbot.start"
    assert received.scope.name == "otel_tbot"
    assert received.attributes == {"tbot.run_mode": "daemon"}
    assert received.resource_attributes == {"service.name": "tbot"}
    assert receiver.log_records == []
    assert [(request.signal, request.protocol) for request in receiver.requests] == [("traces", protocol)]


def test_order(receiver: OTLPReceiver) -> None:
    """Requests are in order of arrival, across protocols."""
    post(receiver, b"")
    call(receiver, b"", method=EXPORT_TRACES)
    post(receiver, b"", path="/v1/traces")

    arrived = [(request.signal, request.protocol) for request in receiver.requests]
    assert arrived == [("logs", "http/protobuf"), ("traces", "grpc"), ("traces", "http/protobuf")]


def test_requests_is_a_snapshot(receiver: OTLPReceiver) -> None:
    """A returned list of requests does not change later."""
    before = receiver.requests
    post(receiver, b"")

    assert before == []


def test_no_connection(receiver: OTLPReceiver) -> None:
    """Without a client, the count of connections is 0."""
    assert receiver.connections == 0


def test_connection_without_request(receiver: OTLPReceiver) -> None:
    """A connection counts even if nothing is sent over it."""
    with socket.create_connection(address(receiver.http_endpoint)) as client:
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""

    assert receiver.connections == 1
    assert receiver.requests == []


def test_calls_count(receiver: OTLPReceiver) -> None:
    """Each gRPC call counts, even one of an unknown method."""
    call(receiver, b"")
    with pytest.raises(grpc.RpcError):
        call(receiver, b"", method="/no.such.Service/Export")

    assert receiver.connections == 2


def test_wait(receiver: OTLPReceiver) -> None:
    """`wait_for_requests` returns the requests once they have arrived."""
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(receiver.wait_for_requests, 2)
        post(receiver, b"")
        call(receiver, b"")

        assert waiting.result() == receiver.requests
    assert len(receiver.requests) == 2


def test_wait_times_out(receiver: OTLPReceiver) -> None:
    """A timeout of `wait_for_requests` says what has arrived instead."""
    post(receiver, b"")
    post(receiver, b"not protobuf")

    with pytest.raises(
        TimeoutError, match=r"waited 0 s for 2 requests: 1 arrived and 1 were rejected, in 2 connections"
    ):
        receiver.wait_for_requests(2, timeout=0)


def test_clear(receiver: OTLPReceiver) -> None:
    """`clear` removes requests and counts, and keeps the replies."""
    receiver.reply(Reply(status=503))
    post(receiver, b"")
    post(receiver, b"not protobuf")
    receiver.clear()

    assert (receiver.requests, receiver.connections, receiver.malformed_requests) == ([], 0, 0)
    assert post(receiver, b"").status == 503


def test_many_clients(receiver: OTLPReceiver) -> None:
    """No request is lost when many arrive at once."""
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: post(receiver, one_log_record()).status, range(100)))

    assert answers == [200] * 100
    assert len(receiver.log_records) == 100


def test_endpoint_before_start() -> None:
    """A receiver that was never started has no endpoint, and says what to do."""
    with pytest.raises(RuntimeError, match=r"call start\(\)"):
        _ = OTLPReceiver().http_endpoint
    with pytest.raises(RuntimeError, match=r"call start\(\)"):
        _ = OTLPReceiver().grpc_endpoint


def test_start_twice(receiver: OTLPReceiver) -> None:
    """A running receiver cannot be started again."""
    with pytest.raises(RuntimeError, match="already started"):
        receiver.start()


def test_restart() -> None:
    """A stopped receiver can be started again, and keeps its requests."""
    receiver = OTLPReceiver().start()
    post(receiver, b"")
    receiver.stop()
    receiver.stop()
    with receiver:
        call(receiver, b"")

    assert len(receiver.requests) == 2


def test_start_with_bad_certificate(tmp_path: Path) -> None:
    """A receiver with an invalid certificate does not start, and leaves nothing open."""
    file = tmp_path / "no.pem"
    file.write_text("not a certificate")

    with pytest.raises(ssl.SSLError):
        OTLPReceiver(tls=TLS(certificate_file=file, private_key_file=file)).start()
    assert _own_threads() == []


def test_stop_leaves_nothing() -> None:
    """After stop() no thread and no descriptor is left, and the ports are closed."""
    _use_and_stop()  # now everything is open that gRPC never closes
    before = _descriptors()
    for _ in range(5):
        receiver = _use_and_stop()

    assert _own_threads() == []
    wait_until(lambda: _descriptors() <= before, "gRPC's core has closed its descriptors")
    for endpoint in (receiver.http_endpoint, receiver.grpc_endpoint):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address(endpoint))


def test_stop_waits_for_a_connection_that_is_closing(monkeypatch: pytest.MonkeyPatch) -> None:
    """stop() also waits for the thread of a connection that has just ended."""
    closing = threading.Event()
    close = HTTPServer.shutdown_request

    def close_late(server: HTTPServer, request: Any) -> None:  # noqa: ANN401  typeshed's
        closing.set()
        time.sleep(0.5)  # stop() begins meanwhile
        close(server, request)

    monkeypatch.setattr(HTTPServer, "shutdown_request", close_late)
    receiver = OTLPReceiver().start()
    with socket.create_connection(address(receiver.http_endpoint)):
        pass
    assert closing.wait(TIMEOUT_SECONDS)
    receiver.stop()
    assert _own_threads() == []


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST /v1/logs HT",
        b"POST /v1/logs HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf",
        b"POST /v1/logs HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nha",
        b"POST /v1/logs HTTP/1.1\r\nContent-Length: 99999999\r\n\r\ntoo large",
    ],
)
def test_stop_with_hanging_client(sent: bytes) -> None:
    """A client that hangs within a request does not block stop()."""
    receiver = OTLPReceiver().start()
    with socket.create_connection(address(receiver.http_endpoint)) as client:
        client.sendall(sent)
        wait_until(lambda: receiver.connections == 1, "the client is connected")

        assert _seconds_to_stop(receiver) < PROMPT_SECONDS
    assert _own_threads() == []


def test_stop_with_client_that_does_not_read() -> None:
    """A client that does not read a huge answer does not block stop()."""
    receiver = OTLPReceiver().start()
    receiver.reply(Reply(body=bytes(64 * 1024 * 1024)))
    with socket.create_connection(address(receiver.http_endpoint)) as client:
        client.sendall(b"POST /v1/logs HTTP/1.1\r\nContent-Type: application/x-protobuf\r\n\r\n")
        receiver.wait_for_requests(1)

        assert _seconds_to_stop(receiver) < PROMPT_SECONDS


def test_stop_during_http_delay() -> None:
    """An answer that is delayed forever over HTTP is never sent, and does not block stop()."""
    receiver = OTLPReceiver().start()
    receiver.reply(Reply(delay=math.inf))
    with socket.create_connection(address(receiver.http_endpoint), TIMEOUT_SECONDS) as client:
        client.sendall(b"POST /v1/logs HTTP/1.1\r\nContent-Type: application/x-protobuf\r\n\r\n")
        receiver.wait_for_requests(1)

        assert _seconds_to_stop(receiver) < PROMPT_SECONDS
        assert client.recv(1) == b""


def test_stop_during_grpc_delay() -> None:
    """An answer that is delayed forever over gRPC is never sent, and does not block stop()."""
    receiver = OTLPReceiver().start()
    receiver.reply(Reply(delay=math.inf))
    with grpc.insecure_channel(urlsplit(receiver.grpc_endpoint).netloc) as channel:
        pending = method_on(channel).future(b"")
        receiver.wait_for_requests(1)

        assert _seconds_to_stop(receiver) < PROMPT_SECONDS
        assert pending.exception(TIMEOUT_SECONDS) is not None
    assert _own_threads() == []


def test_quiet(receiver: OTLPReceiver, capfd: pytest.CaptureFixture[str]) -> None:
    """A receiver writes nothing to stdout or stderr, for any input."""
    post(receiver, one_log_record())
    post(receiver, b"not protobuf", PROTOBUF)
    post(receiver, b"", method="GET")
    with socket.create_connection(address(receiver.http_endpoint)) as client:
        client.sendall(b"nonsense\r\n\r\n")
        client.recv(1)
    with pytest.raises(grpc.RpcError):
        call(receiver, b"not protobuf")
    receiver.stop()

    assert capfd.readouterr() == ("", "")


def _use_and_stop() -> OTLPReceiver:
    """Run a receiver that serves both protocols and a hanging client, and stop it."""
    with OTLPReceiver() as receiver:
        post(receiver, one_log_record())
        call(receiver, one_log_record())
        with socket.create_connection(address(receiver.http_endpoint)) as client:
            client.sendall(b"POST")
            wait_until(lambda: receiver.connections == 3, "all clients are connected")
            receiver.stop()
    return receiver


def _own_threads() -> list[str]:
    """Return the names of the threads of all receivers."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("otlp-receiver")]


def _descriptors() -> int:
    """Count the descriptors of this process."""
    return len(list(Path("/dev/fd").iterdir()))


def _seconds_to_stop(receiver: OTLPReceiver) -> float:
    """Stop a receiver, and return the seconds that it took."""
    begin = time.monotonic()
    receiver.stop()
    return time.monotonic() - begin
