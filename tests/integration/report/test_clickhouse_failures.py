"""A failed query of a database gives one line on stderr, within the timeout, and without the password.

Errors of the engine itself are tested in `tests/clickhouse`.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest
import trustme

from tests.support.faults.sockets import closed_port
from tests.support.program import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytest.importorskip("clickhouse_connect")

SECRET = "correct horse"
ANSWER = b"HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n%s"


@contextmanager
def serving(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve a fault: each connection is passed to a function, and closed when it returns."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:  # closed
                    return
                threading.Thread(target=serve, args=[connection], daemon=True).start()

        def serve(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                answer(connection)

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def failed(address: str, *options: str) -> str:
    """Return the error message of a report on an address."""
    ended = run("report", *options, address, environ={"CLICKHOUSE_PASSWORD": SECRET})
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1
    assert SECRET not in ended.stderr
    return ended.stderr.removeprefix("otel-tbot: ")


def listening_only(connection: socket.socket) -> None:
    """Read until the other side closes the connection."""
    while connection.recv(1 << 16):
        pass


def hanging_up(connection: socket.socket) -> None:
    """Read the request, and close the connection."""
    connection.recv(1 << 16)


def replying(status: bytes, body: bytes, headers: bytes = b"") -> Callable[[socket.socket], None]:
    """Return a handler that gives the same answer to any request."""

    def answer(connection: socket.socket) -> None:
        connection.recv(1 << 16)
        connection.sendall(ANSWER % (status, len(body), headers, body))

    return answer


def test_connection_refused() -> None:
    """For a refused connection, the message names host and port."""
    with closed_port() as port:
        expected = f"ClickHouse at 127.0.0.1:{port} cannot be reached: check host and port in the address\n"
        assert failed(f"clickhouse://ann@127.0.0.1:{port}/otel") == expected


def test_unknown_host() -> None:
    """An unknown host name is reported like a host that cannot be reached."""
    assert "tbot.invalid:8123 cannot be reached" in failed("clickhouse://ann@tbot.invalid/otel")


def test_silent_server() -> None:
    """A server that never answers is abandoned after the timeout and the extra time for the server's own error."""
    begin = time.monotonic()
    with serving(listening_only) as port:
        line = failed(f"clickhouse://ann@127.0.0.1:{port}/otel", "--timeout", "1")
    assert "did not answer within 1 seconds: choose a later --since, or raise --timeout" in line
    assert time.monotonic() - begin < 20


def test_lost_connection() -> None:
    """A connection that ends before the answer is reported as such."""
    with serving(hanging_up) as port:
        assert "closed the connection before it answered: try again" in failed(
            f"clickhouse://ann@127.0.0.1:{port}/otel"
        )


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (b"516", "refused the user or the password: check the user in the address, and set CLICKHOUSE_PASSWORD"),
        (b"497", "does not let the user read the table"),
        (b"81", "has no database with that name: check the address"),
        (b"241", "does not have enough memory"),
        (b"999", "cannot answer (ClickHouse error 999)"),
    ],
)
def test_errors(code: bytes, expected: str) -> None:
    """An error of the server is reported by its number, without any text of the server's."""
    body = b"Code: " + code + b". DB::Exception: ann has the password " + SECRET.encode()
    headers = b"X-ClickHouse-Exception-Code: " + code + b"\r\n"
    with serving(replying(b"500 Internal Server Error", body, headers)) as port:
        assert expected in failed(f"clickhouse://ann@127.0.0.1:{port}/otel")


@pytest.mark.parametrize(
    "reply",
    [replying(b"400 Bad Request", b"Port 9000 is for clickhouse-client program"), replying(b"200 OK", b"<html>")],
)
def test_other_servers(reply: Callable[[socket.socket], None]) -> None:
    """A server that is not ClickHouse's HTTP interface is reported as such."""
    with serving(reply) as port:
        assert "did not answer over HTTP" in failed(f"clickhouse://ann@127.0.0.1:{port}/otel")


def test_untrusted_certificate() -> None:
    """A certificate of an unknown authority ends the report before the password is sent."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    heard: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as encrypted:
            heard.append(encrypted.recv(1 << 16))

    with serving(answer) as port:
        assert "does not offer TLS that can be trusted" in failed(f"clickhouses://ann@127.0.0.1:{port}/otel")
    assert not any(heard)


def test_address_with_files() -> None:
    """An address cannot be combined with files."""
    line = failed("clickhouse://ann@127.0.0.1/otel", "starts.jsonl")
    assert line.startswith("an address of ClickHouse must be the only argument")


def test_password_in_the_address() -> None:
    """A password in the address is refused, and not repeated."""
    assert "it contains a password" in failed(f"clickhouse://ann:{SECRET}@127.0.0.1/otel")
