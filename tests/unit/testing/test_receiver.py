"""OTLPReceiver: real exporters are served, and it starts, counts, waits and stops as it says."""

from __future__ import annotations

import math
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import grpc
import pytest

from otel_tbot.testing import TLS, OTLPReceiver, Reply
from tests.unit.testing.clients import (
    EXPORT_TRACES,
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

if TYPE_CHECKING:
    from collections.abc import Callable

PROTOCOLS = ["grpc", "http/protobuf"]

# What stop() may take next to a client that would hold it forever; loaded machines are slow.
PROMPT_SECONDS = 3


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
    """The list of requests does not change in the hands of its reader."""
    before = receiver.requests
    post(receiver, b"")

    assert before == []


def test_nobody_came(receiver: OTLPReceiver) -> None:
    """A receiver that no one talks to counts no connection."""
    assert receiver.connections == 0


def test_connection_without_request(receiver: OTLPReceiver) -> None:
    """A connection counts although nothing is sent on it."""
    with socket.create_connection(address(receiver.http_endpoint)) as client:
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""

    assert receiver.connections == 1
    assert receiver.requests == []


def test_calls_count(receiver: OTLPReceiver) -> None:
    """Each gRPC call counts, that of an unknown method too."""
    call(receiver, b"")
    with pytest.raises(grpc.RpcError):
        call(receiver, b"", method="/no.such.Service/Export")

    assert receiver.connections == 2


def test_wait(receiver: OTLPReceiver) -> None:
    """Who waits for requests gets them when they have arrived."""
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(receiver.wait_for_requests, 2)
        post(receiver, b"")
        call(receiver, b"")

        assert waiting.result() == receiver.requests
    assert len(receiver.requests) == 2


def test_wait_in_vain(receiver: OTLPReceiver) -> None:
    """Who waits for requests that do not come learns what came instead."""
    post(receiver, b"")
    post(receiver, b"no protobuf")

    with pytest.raises(
        TimeoutError, match=r"waited 0 s for 2 requests: 1 arrived and 1 were rejected, in 2 connections"
    ):
        receiver.wait_for_requests(2, timeout=0)


def test_clear(receiver: OTLPReceiver) -> None:
    """Clearing forgets requests and counts, and keeps the answers."""
    receiver.reply(Reply(status=503))
    post(receiver, b"")
    post(receiver, b"no protobuf")
    receiver.clear()

    assert (receiver.requests, receiver.connections, receiver.malformed_requests) == ([], 0, 0)
    assert post(receiver, b"").status == 503


def test_many_clients(receiver: OTLPReceiver) -> None:
    """No request is lost when many come at once."""
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
    """A receiver that runs cannot be started."""
    with pytest.raises(RuntimeError, match="already started"):
        receiver.start()


def test_restart() -> None:
    """A stopped receiver can be started again, and keeps what arrived."""
    receiver = OTLPReceiver().start()
    post(receiver, b"")
    receiver.stop()
    receiver.stop()
    with receiver:
        call(receiver, b"")

    assert len(receiver.requests) == 2


def test_start_with_bad_certificate(tmp_path: Path) -> None:
    """A receiver whose certificate cannot be used does not start, and holds nothing."""
    file = tmp_path / "no.pem"
    file.write_text("no certificate")

    with pytest.raises(ssl.SSLError):
        OTLPReceiver(tls=TLS(certificate_file=file, private_key_file=file)).start()
    assert _own_threads() == []


def test_nothing_stays_behind() -> None:
    """After stop() no thread and no descriptor is left, and the ports are closed."""
    _use_and_stop()  # whatever gRPC opens once and for all is open now
    before = _descriptors()
    for _ in range(5):
        receiver = _use_and_stop()

    assert _own_threads() == []
    _wait_until(lambda: _descriptors() <= before)  # gRPC's core closes its descriptors a little later
    for endpoint in (receiver.http_endpoint, receiver.grpc_endpoint):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address(endpoint))


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
def test_stop_beside_hanging_client(sent: bytes) -> None:
    """A client that stops in the middle does not hold stop() up."""
    receiver = OTLPReceiver().start()
    with socket.create_connection(address(receiver.http_endpoint)) as client:
        client.sendall(sent)
        _wait_until(lambda: receiver.connections == 1)

        assert _seconds_to_stop(receiver) < PROMPT_SECONDS
    assert _own_threads() == []


def test_stop_beside_client_that_does_not_read() -> None:
    """A client that reads nothing of a huge answer does not hold stop() up."""
    receiver = OTLPReceiver().start()
    receiver.reply(Reply(body=bytes(64 * 1024 * 1024)))
    with socket.create_connection(address(receiver.http_endpoint)) as client:
        client.sendall(b"POST /v1/logs HTTP/1.1\r\nContent-Type: application/x-protobuf\r\n\r\n")
        receiver.wait_for_requests(1)

        assert _seconds_to_stop(receiver) < PROMPT_SECONDS


def test_stop_during_http_delay() -> None:
    """An answer that is delayed forever over HTTP is never given, and does not hold stop() up."""
    receiver = OTLPReceiver().start()
    receiver.reply(Reply(delay=math.inf))
    with socket.create_connection(address(receiver.http_endpoint), TIMEOUT_SECONDS) as client:
        client.sendall(b"POST /v1/logs HTTP/1.1\r\nContent-Type: application/x-protobuf\r\n\r\n")
        receiver.wait_for_requests(1)

        assert _seconds_to_stop(receiver) < PROMPT_SECONDS
        assert client.recv(1) == b""


def test_stop_during_grpc_delay() -> None:
    """An answer that is delayed forever over gRPC is never given, and does not hold stop() up."""
    receiver = OTLPReceiver().start()
    receiver.reply(Reply(delay=math.inf))
    with grpc.insecure_channel(urlsplit(receiver.grpc_endpoint).netloc) as channel:
        pending = method_on(channel).future(b"")
        receiver.wait_for_requests(1)

        assert _seconds_to_stop(receiver) < PROMPT_SECONDS
        assert pending.exception(TIMEOUT_SECONDS) is not None
    assert _own_threads() == []


def test_quiet(receiver: OTLPReceiver, capfd: pytest.CaptureFixture[str]) -> None:
    """A receiver writes nothing to stdout or stderr, whatever it is sent."""
    post(receiver, one_log_record())
    post(receiver, b"no protobuf", PROTOBUF)
    post(receiver, b"", method="GET")
    with socket.create_connection(address(receiver.http_endpoint)) as client:
        client.sendall(b"nonsense\r\n\r\n")
        client.recv(1)
    with pytest.raises(grpc.RpcError):
        call(receiver, b"no protobuf")
    receiver.stop()

    assert capfd.readouterr() == ("", "")


def _use_and_stop() -> OTLPReceiver:
    """Run a receiver that serves both protocols, and is left by a client that hangs."""
    with OTLPReceiver() as receiver:
        post(receiver, one_log_record())
        call(receiver, one_log_record())
        with socket.create_connection(address(receiver.http_endpoint)) as client:
            client.sendall(b"POST")
            _wait_until(lambda: receiver.connections == 3)
            receiver.stop()
    return receiver


def _own_threads() -> list[str]:
    """Name the threads of all receivers."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("otlp-receiver")]


def _descriptors() -> int:
    """Count the descriptors of this process."""
    return len(list(Path("/dev/fd").iterdir()))


def _seconds_to_stop(receiver: OTLPReceiver) -> float:
    """Stop a receiver, and take the time."""
    begin = time.monotonic()
    receiver.stop()
    return time.monotonic() - begin


def _wait_until(condition: Callable[[], bool]) -> None:
    """Wait for a condition that nothing announces."""
    end = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        assert time.monotonic() < end, "the condition did not come true"
        time.sleep(0.005)
