"""Answers over HTTP/1.1 that no good server gives: written byte by byte, after a request that was read to its end."""

from __future__ import annotations

import gzip
import itertools
from http.client import parse_headers
from typing import TYPE_CHECKING

from tests.promises.faults_sockets import dripping, endlessly, reset

if TYPE_CHECKING:
    import socket
    import threading

    from tests.promises.faults_sockets import Handler

CANARY = "canary-of-the-backend"  # in every answer, since none of it may be repeated by us
OK = b"HTTP/1.1 200 OK\r\nServer: canary-of-the-backend\r\n"
_A_BLOCK = b"canary-of-the-backend" * 3000


def read_request(connection: socket.socket) -> None:
    """Read one request with its body."""
    with connection.makefile("rb") as stream:
        stream.readline()
        length = int(parse_headers(stream).get("Content-Length", 0))
        if not length or len(stream.read(length)) < length:
            raise EOFError


def answers(data: bytes) -> Handler:
    """Return a handler that answers each connection's first request with these bytes, then closes it."""

    def answer(connection: socket.socket, _: threading.Event) -> None:
        read_request(connection)
        connection.sendall(data)

    return answer


def greets(data: bytes) -> Handler:
    """Return a handler that speaks first, as servers of other protocols do."""

    def greet(connection: socket.socket, stopping: threading.Event) -> None:
        connection.sendall(data)
        stopping.wait()

    return greet


def answers_then_resets(data: bytes) -> Handler:
    """Return a handler that resets the connection in the middle of the answer."""

    def answer(connection: socket.socket, stopping: threading.Event) -> None:
        read_request(connection)
        # With a pause, in which the client reads what the reset would throw away.
        dripping([data], connection, stopping)
        reset(connection)

    return answer


def reads_and_is_silent(connection: socket.socket, stopping: threading.Event) -> None:
    """Take the request, and never answer."""
    read_request(connection)
    stopping.wait()


def drips(first: bytes, piece: bytes) -> Handler:
    """Return a handler that answers with a beginning, and then with a piece again and again, never to its end."""

    def drip(connection: socket.socket, stopping: threading.Event) -> None:
        read_request(connection)
        dripping(itertools.chain([first], itertools.repeat(piece)), connection, stopping)

    return drip


def floods(first: bytes, block: bytes = _A_BLOCK) -> Handler:
    """Return a handler that answers with a beginning, and then forever and at full speed with a block."""

    def flood(connection: socket.socket, stopping: threading.Event) -> None:
        read_request(connection)
        connection.sendall(first)
        endlessly(block, connection, stopping)

    return flood


def bomb(size: int) -> bytes:
    """Return an answer of OTLP's type whose body is this many bytes once it is decompressed."""
    body = gzip.compress(bytes(size))
    head = b"Content-Type: application/x-protobuf\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    return OK + head + body
