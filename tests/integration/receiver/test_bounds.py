"""Every resource that a peer can use is bounded, and a peer that exceeds a limit does not affect the others."""

from __future__ import annotations

import fcntl
import itertools
import select
import socket
import sys
import termios
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import pytest

from otel_tbot.receiver.app import MAX_HEADER_BYTES, REQUEST_TIMEOUT_MS, timeouts
from otel_tbot.receiver.http_protocol import HANDSHAKE_TIMEOUT, RESPONSE_READ_TIMEOUT
from otel_tbot.receiver.rate_limit import PeerRateLimiter
from otel_tbot.receiver.request_limits import HEADERS_TIMEOUT
from otel_tbot.testing import Reply
from tests.integration.receiver.conftest import ON
from tests.integration.receiver.http_client import (
    CHECK,
    GO,
    PATH,
    closed,
    connect,
    connect_unix,
    raw,
    read,
    request,
    send,
    submit,
    unknown_field,
)
from tests.support.collector import wait_until
from tests.support.held_reply import HeldReply

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from otel_tbot.testing import OTLPReceiver
    from tests.integration.receiver.receiver_process import RunningReceiver


MUCH = 64 * 2**20  # bytes; the system buffers some of them


def cut_off(connection: socket.socket, piece: bytes) -> bool:
    """Send the same bytes repeatedly, far beyond any limit; return whether the other side closed the connection."""
    try:
        for _ in range(MUCH // len(piece)):
            connection.sendall(piece)
    except (ConnectionResetError, BrokenPipeError):
        return True
    return False


def unread(connection: socket.socket) -> int:
    """Return the number of bytes sent over a unix socket that the other side has not read."""
    return int.from_bytes(fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)), sys.byteorder)


def test_headers_in_one_piece(port: int) -> None:
    """Headers above the limit are refused with the matching status."""
    assert submit(port, headers={**GO, "X-Long": "x" * MAX_HEADER_BYTES}).status == 431


def test_endless_headers(port: int) -> None:
    """A peer whose headers never end is cut off."""
    with connect(port) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\n")
        assert cut_off(connection, b"X-More: and more\r\n" * 100)


@pytest.mark.parametrize("trailer", [b"X-More: and more\r\n" * 100, b"x" * 1000], ids=["many", "one"])
def test_endless_trailers(port: int, trailer: bytes) -> None:
    """A peer whose trailers never end is cut off."""
    with connect(port) as connection:
        head = raw(b"", {**GO, "Transfer-Encoding": "chunked"})
        connection.sendall(head + b"1\r\nx\r\n0\r\n")
        assert cut_off(connection, trailer)


def test_trailers(port: int) -> None:
    """A few trailers, as proxies may add, are accepted."""
    body = request()
    with connect(port) as connection:
        head = raw(b"", {**GO, "Transfer-Encoding": "chunked"})
        chunks = b"%x\r\n%s\r\n0\r\nX-Trailer: 1\r\n\r\n" % (len(body), body)
        assert send(connection, head + chunks).status == 200
        assert send(connection, raw(body)).status == 200


def test_too_many_pipelined_requests(port: int) -> None:
    """A peer that sends very many requests before it has read an answer gets few answers, and is cut off."""
    with connect(port) as connection:
        connection.sendall(CHECK * 1000)
        answers = b""
        with suppress(ConnectionResetError):
            while data := connection.recv(65536):
                answers += data
    assert answers.count(b"HTTP/1.1 ") == answers.count(b"HTTP/1.1 200") < 20


def test_large_requests_in_one_piece(port: int, backend: OTLPReceiver) -> None:
    """The bytes of earlier requests do not count against the headers of the next."""
    large = raw(request() + unknown_field(99, bytes(40_000)))
    third = raw(request())
    with connect(port) as connection:
        connection.sendall(large * 2 + third[:60])
        answers = b""
        while answers.count(b"HTTP/1.1 200") < 2 or not answers.endswith(b"\r\n\r\n"):
            received = connection.recv(65536)
            assert received
            answers += received
        assert send(connection, third[60:]).status == 200
    assert len(backend.log_records) == 3


def test_empty_line_while_waiting(serve: Callable[..., RunningReceiver], receiver: OTLPReceiver) -> None:
    """An empty line after an event does not end the wait for its answer."""
    running = serve(**ON, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint)
    receiver.wait_for_requests(1, timeout=30)
    receiver.reply(Reply(delay=HEADERS_TIMEOUT + 1), Reply())
    with connect(running.port) as connection:
        connection.sendall(raw(request()))
        receiver.wait_for_requests(2, timeout=30)
        assert send(connection, b"\r\n").status == 200


def test_endless_body(port: int) -> None:
    """A peer whose body never ends gets its answer after the limit, and is cut off a little later."""
    with connect(port) as connection:
        connection.sendall(raw(b"", {**GO, "Content-Length": "100000000000"}))
        assert cut_off(connection, bytes(65536))


def test_slightly_too_long_body(port: int) -> None:
    """A body that is only slightly too long is read to its end: the answer arrives and the connection stays open."""
    with connect(port) as connection:
        answer = send(connection, raw(bytes(140_000)))
        assert (answer.code, answer.closes) == ("resource_exhausted", False)
        assert send(connection, raw(request())).status == 200


def test_slow_body(port: int) -> None:
    """A body that does not arrive within the request's timeout ends with an error, and the connection is closed."""
    with connect(port) as connection:
        head = raw(b"", {**GO, "Connect-Timeout-Ms": "300", "Content-Length": "100"})
        answer = send(connection, head + b"\x0a")
        assert (answer.status, answer.code, answer.closes) == (504, "deadline_exceeded", True)
        assert closed(connection)


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ([], REQUEST_TIMEOUT_MS),
        ([(b"connect-timeout-ms", b"300")], 300),
        ([(b"connect-timeout-ms", b"99999999")], REQUEST_TIMEOUT_MS),
        ([(b"connect-timeout-ms", b"99999999"), (b"connect-timeout-ms", b"1")], REQUEST_TIMEOUT_MS),
    ],
)
def test_every_request_has_a_timeout(asked: list[tuple[bytes, bytes]], given: int) -> None:
    """A request has its client's timeout, or ours if the client sets none or a longer one."""
    assert dict(timeouts(asked)) == {b"connect-timeout-ms": b"%d" % given, b"grpc-timeout": b"%dm" % REQUEST_TIMEOUT_MS}


def test_slow_headers(port: int) -> None:
    """A connection with nothing, half a header, or empty lines in place of a request is closed in time."""
    with connect(port) as silent, connect(port) as halfway, connect(port) as between:
        begun = time.monotonic()
        halfway.sendall(b"POST / HTTP/1.1\r\nX-Half: ")
        assert send(between, raw(request())).status == 200
        between.sendall(b"\r\n\r\n")
        assert all(map(closed, (silent, halfway, between)))
        assert time.monotonic() - begun < HEADERS_TIMEOUT + 20


def test_slow_handshake(serve: Callable[..., RunningReceiver], receiver: OTLPReceiver, tls: tuple[str, ...]) -> None:
    """With TLS, a connection without a handshake is closed in time, too."""
    running = serve(*tls, **ON, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint)
    with connect(running.port) as silent:
        begun = time.monotonic()
        assert closed(silent)
        assert time.monotonic() - begun < HANDSHAKE_TIMEOUT + 20


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports the number of unread bytes")
def test_unread_answers(serve: Callable[..., RunningReceiver], receiver: OTLPReceiver, tmp_path: Path) -> None:
    """A peer that sends many requests and never reads an answer is cut off in time."""
    path = tmp_path / "socket"
    serve("--listen", f"unix:{path}", **ON, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint)
    with connect_unix(path) as connection, connect_unix(path) as neighbour:
        while not unread(connection):
            connection.sendall(CHECK)
            for _ in range(3):  # answers, after which the receiver has checked the other connection, too
                send(neighbour, CHECK, "GET")
        ended = select.poll()
        ended.register(connection, 0)
        assert ended.poll((RESPONSE_READ_TIMEOUT + 10) * 1000)


def test_idle_connections_make_room(serve: Callable[..., RunningReceiver], receiver: OTLPReceiver) -> None:
    """Idle connections cannot block others: the oldest one without a complete request is closed for a new one."""
    running = serve("--max-connections", "5", **ON, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint)
    held = [connect(running.port) for _ in range(100)]
    with connect(running.port) as unfinished:
        unfinished.sendall(raw(request())[:-1])
        held += [connect(running.port) for _ in range(3)]
        assert submit(running.port).status == 200
        assert all(closed(connection) for connection in held[:95])
        unfinished.sendall(raw(request())[-1:])
        assert read(unfinished).status == 200
    for connection in held:
        connection.close()
    assert running.stop() == 0
    assert running.summary["refused"] == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports the number of unread bytes")
def test_busy_connections(serve: Callable[..., RunningReceiver], receiver: OTLPReceiver, tmp_path: Path) -> None:
    """Running requests are not closed for a new connection, which gets an error, and health checks are answered."""
    path = tmp_path / "socket"
    bound = ("--listen", f"unix:{path}", "--max-connections", "5")
    running = serve(*bound, **ON, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint)
    receiver.wait_for_requests(1, timeout=30)
    held = HeldReply()
    receiver.reply(held, Reply())
    with ExitStack() as stack:
        busy = [stack.enter_context(connect_unix(path)) for _ in range(5)]
        for connection in busy:
            connection.sendall(raw(request()))
        wait_until(lambda: not any(map(unread, busy)), "all requests were read")
        with connect_unix(path) as connection:
            answer = send(connection, raw(request()))
        assert (answer.status, answer.closes) == (503, True)
        for _ in range(100):
            with connect_unix(path) as checking:
                assert send(checking, CHECK, "GET").status == 200
        held.release()
        assert [read(connection).status for connection in busy] == [200] * 5
    assert running.stop() == 0
    assert running.summary["refused_service_unavailable"] == 1


def test_connections_of_one_address(serve: Callable[..., RunningReceiver], receiver: OTLPReceiver) -> None:
    """An operator may limit the connections of one address; other addresses are not affected."""
    bound = ("--max-connections-per-address", "2")
    running = serve(*bound, **ON, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint)
    with connect(running.port) as first, connect(running.port) as second, connect(running.port) as third:
        assert closed(third)
        other = socket.create_connection(("127.0.0.1", running.port), timeout=30, source_address=("127.0.0.2", 0))
        with other:
            assert {send(one, CHECK, "GET").status for one in (first, second, other)} == {200}


@pytest.mark.parametrize("hosts", [b"", b"Host: a\r\nHost: b\r\n"], ids=["none", "two"])
def test_host(port: int, hosts: bytes) -> None:
    """An HTTP/1.1 request has exactly one Host header (RFC 9112); an HTTP/1.0 request may have none."""
    with connect(port) as connection:
        assert send(connection, b"GET /healthz HTTP/1.1\r\n" + hosts + b"\r\n", "GET").status == 400
    with connect(port) as connection:
        assert send(connection, b"GET /healthz HTTP/1.0\r\n\r\n", "GET").status == 200


def test_peer_rate(serve: Callable[..., RunningReceiver], receiver: OTLPReceiver) -> None:
    """A peer's events above the rate limit are refused, and its address appears nowhere."""
    running = serve("--peer-rate", "1", **ON, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint)
    answers = [submit(running.port) for _ in range(12)]
    refused = [answer for answer in answers if answer.status != 200]
    assert refused
    assert {(answer.status, answer.code) for answer in refused} == {(429, "resource_exhausted")}
    assert len(receiver.log_records) == len(answers) - len(refused)
    assert running.stop() == 0
    assert running.summary["refused_resource_exhausted"] == len(refused)


def test_rate_of_all_requests(serve: Callable[..., RunningReceiver], receiver: OTLPReceiver, tmp_path: Path) -> None:
    """Every request counts, even one that is not a call, and one over a unix socket, where all clients are one peer."""
    path = tmp_path / "socket"
    running = serve(
        "--peer-rate", "0.001", "--listen", f"unix:{path}", **ON, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint
    )
    surplus = []
    for method, target in (("GET", PATH), ("POST", PATH), ("GET", PATH), ("POST", "/nonsense"), ("POST", PATH)):
        with connect_unix(path) as connection:
            surplus.append(send(connection, raw(request(), method=method, path=target), method))
    assert [answer.status for answer in surplus] == [405, 429, 429, 429, 429]
    assert [answer.code for answer in (surplus[1], surplus[4])] == ["resource_exhausted"] * 2
    assert running.stop() == 0
    assert running.summary["refused_too_many_requests"] == 2
    assert running.summary["refused_resource_exhausted"] == 2


def test_rate_of_health_checks(serve: Callable[..., RunningReceiver], receiver: OTLPReceiver) -> None:
    """Readiness checks have their own rate limit, far above any normal use; liveness checks have none."""
    running = serve("--peer-rate", "1", **ON, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint)
    with connect(running.port) as connection:
        ready = raw(b"", {}, method="GET", path="/readyz")
        wait_until(lambda: send(connection, ready, "GET").status == 200, "the receiver is ready")
        statuses = [send(connection, ready, "GET").status for _ in range(1000)]
        assert statuses[:50] == [200] * 50
        assert 429 in statuses
        assert {send(connection, CHECK, "GET").status for _ in range(1000)} == {200}


def test_bucket() -> None:
    """A peer may send one second's number of events at once, then at the rate; each address has its own bucket."""
    now = 0.0
    peers = PeerRateLimiter(2, clock=lambda: now)
    assert [peers.allow("192.0.2.1") for _ in range(3)] == [True, True, False]
    assert peers.allow("192.0.2.2")
    now = 0.5
    assert [peers.allow("192.0.2.1") for _ in range(2)] == [True, False]


def test_slow_bucket() -> None:
    """A rate below one per second lets a request pass at its interval."""
    now = 0.0
    peers = PeerRateLimiter(0.1, clock=lambda: now)
    assert [peers.allow("192.0.2.1") for _ in range(2)] == [True, False]
    now = 10.0
    assert peers.allow("192.0.2.1")


def test_ipv6_networks() -> None:
    """Addresses of one IPv6 network of 64 bits are one peer."""
    peers = PeerRateLimiter(1, clock=lambda: 0.0)
    addresses = ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "fe80::1%eth0"]
    assert [peers.allow(address) for address in addresses] == [True, False, True, True]


def test_both_families() -> None:
    """On a socket for both families, each IPv4 address is a separate peer."""
    peers = PeerRateLimiter(1, clock=lambda: 0.0)
    assert [peers.allow(f"::ffff:192.0.2.{last}") for last in (1, 2, 1)] == [True, True, False]


def test_table_of_peers_is_bounded() -> None:
    """Only a limited number of peers is remembered, the latest of them."""
    peers = PeerRateLimiter(1, clock=lambda: 0.0)
    for numbers in itertools.product(range(100), range(100)):
        assert peers.allow("10.0.{}.{}".format(*numbers))
    assert len(peers._buckets) == 4096
    assert not peers.allow("10.0.99.99")
