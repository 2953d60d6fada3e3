"""Everything that a peer can use up is bounded, and a peer that goes too far does the others no harm."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING

import pytest

from otel_tbot.receiver.application import MAX_HEADER_BYTES, REQUEST_WITHIN, timeouts
from otel_tbot.receiver.connection import HEADERS_WITHIN
from otel_tbot.receiver.peers import Peers
from tests.receiver.conftest import ON
from tests.receiver.exchange import GO, connect, raw, read, request, send, submit

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from otel_tbot.testing import OTLPReceiver
    from tests.receiver.running import Running


def cut_off(connection: socket.socket, piece: bytes) -> bool:
    """Send the same bytes again and again, far more than anybody should take; tell whether the other side ended it."""
    try:
        for _ in range(2 * 10**9 // len(piece)):
            connection.sendall(piece)
    except (ConnectionResetError, BrokenPipeError):
        return True
    return False


def closed(connection: socket.socket) -> bool:
    """Tell whether the other side has closed a connection; wait until it sends or does so."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_headers_in_one_piece(port: int) -> None:
    """Headers above the limit are refused by a status that says so."""
    assert submit(port, headers={**GO, "X-Long": "x" * MAX_HEADER_BYTES}).status == 431


def test_endless_headers(port: int) -> None:
    """A peer whose headers never end is cut off."""
    with connect(port) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\n")
        assert cut_off(connection, b"X-More: and more\r\n" * 100)


def test_endless_body(port: int) -> None:
    """A peer whose body never ends gets its answer after the limit, and is cut off a little later."""
    with connect(port) as connection:
        connection.sendall(raw(b"", {**GO, "Content-Length": "100000000000"}))
        assert cut_off(connection, bytes(65536))


def test_somewhat_too_long_body(port: int) -> None:
    """A body that is only somewhat too long is read to its end, so that the answer arrives and the connection stays."""
    with connect(port) as connection:
        answer = send(connection, raw(bytes(300_000)))
        assert (answer.code, answer.closes) == ("resource_exhausted", False)
        assert send(connection, raw(request())).status == 200


def test_slow_body(port: int) -> None:
    """A body that does not come within the time of the request ends with a time-out, and the connection with it."""
    with connect(port) as connection:
        head = raw(b"", {**GO, "Connect-Timeout-Ms": "300", "Content-Length": "100"})
        answer = send(connection, head + b"\x0a")
        assert (answer.status, answer.code, answer.closes) == (504, "deadline_exceeded", True)
        assert closed(connection)


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ([], REQUEST_WITHIN),
        ([(b"connect-timeout-ms", b"300")], 300),
        ([(b"connect-timeout-ms", b"99999999")], REQUEST_WITHIN),
        ([(b"connect-timeout-ms", b"99999999"), (b"connect-timeout-ms", b"1")], REQUEST_WITHIN),
    ],
)
def test_every_request_has_a_time_out(asked: list[tuple[bytes, bytes]], given: int) -> None:
    """A request has the time-out that its client asks for, but ours where it asks for none or a longer one."""
    assert dict(timeouts(asked)) == {b"connect-timeout-ms": b"%d" % given, b"grpc-timeout": b"%dm" % REQUEST_WITHIN}


def test_slow_headers(port: int) -> None:
    """A peer that sends nothing, half a header, or empty lines where a request should begin, is closed in time."""
    with connect(port) as silent, connect(port) as halfway, connect(port) as between:
        begun = time.monotonic()
        halfway.sendall(b"POST / HTTP/1.1\r\nX-Half: ")
        assert send(between, raw(request())).status == 200
        between.sendall(b"\r\n\r\n")
        assert all(map(closed, (silent, halfway, between)))
        assert time.monotonic() - begun < HEADERS_WITHIN + 5


def test_connections(serve: Callable[..., Running], receiver: OTLPReceiver) -> None:
    """Above the number of connections that may be open, a peer is told so; far above, it is not even heard."""
    running = serve("--max-connections", "5", **ON, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint)
    held = [connect(running.port) for _ in range(5)]
    answer = submit(running.port)
    assert (answer.status, answer.closes) == (503, True)
    held += [connect(running.port) for _ in range(120)]
    assert closed(held[-1])
    for connection in held:
        connection.close()
    with connect(running.port) as connection:
        connection.sendall(raw(request()))
        assert read(connection).status == 200
    assert running.stop() == 0
    assert running.summary["refused_service_unavailable"] == 1


def test_peer_rate(serve: Callable[..., Running], receiver: OTLPReceiver) -> None:
    """A peer that sends too many events a second is refused the surplus, and its address appears nowhere."""
    running = serve("--peer-rate", "3", **ON, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint)
    answers = [submit(running.port) for _ in range(12)]
    refused = [answer for answer in answers if answer.status != 200]
    assert refused
    assert {(answer.status, answer.code) for answer in refused} == {(429, "resource_exhausted")}
    assert len(receiver.log_records) == len(answers) - len(refused)
    assert running.stop() == 0
    assert running.summary["refused_resource_exhausted"] == len(refused)


def test_bucket() -> None:
    """A peer may send a second's worth at once, then as many as the rate allows; each address has its own."""
    now = 0.0
    peers = Peers(2, clock=lambda: now)
    assert [peers.admit("192.0.2.1:80") for _ in range(3)] == [True, True, False]
    assert peers.admit("192.0.2.2:80")
    now = 0.5
    assert [peers.admit("192.0.2.1:81") for _ in range(2)] == [True, False]


def test_slow_bucket() -> None:
    """A rate below one a second lets one pass now and then."""
    now = 0.0
    peers = Peers(0.1, clock=lambda: now)
    assert [peers.admit("192.0.2.1:80") for _ in range(2)] == [True, False]
    now = 10.0
    assert peers.admit("192.0.2.1:80")


def test_ipv6_networks() -> None:
    """Addresses of one IPv6 network of 64 bits are one peer."""
    peers = Peers(1, clock=lambda: 0.0)
    addresses = ["2001:db8::1:80", "2001:db8::2:80", "2001:db8:0:1::1:80", "fe80::1%eth0:80"]
    assert [peers.admit(address) for address in addresses] == [True, False, True, True]


def test_table_of_peers_is_bounded() -> None:
    """However many peers come, only so many are remembered, the latest of them."""
    peers = Peers(1, clock=lambda: 0.0)
    for numbers in itertools.product(range(100), range(100)):
        assert peers.admit("10.0.{}.{}:80".format(*numbers))
    assert len(peers._buckets) == 4096
    assert not peers.admit("10.0.99.99:80")
