"""HTTP/1.1 answers that no correct server gives, written byte by byte after a complete request."""

from __future__ import annotations

import gzip
import itertools
from http.client import parse_headers
from typing import TYPE_CHECKING

from tests.support.faults.sockets import reset, send_forever, send_slowly

if TYPE_CHECKING:
    import socket
    import threading

    from tests.support.faults.sockets import Handler

CANARY = "canary-of-the-backend"  # in every answer, because we must not repeat any part of one
OK = b"HTTP/1.1 200 OK\r\nServer: canary-of-the-backend\r\n"
_A_BLOCK = b"canary-of-the-backend" * 3000


def read_request(connection: socket.socket) -> None:
    """Read one request with its body, or one for a tunnel, which has none."""
    with connection.makefile("rb") as stream:
        tunnel = stream.readline().startswith(b"CONNECT ")
        length = int(parse_headers(stream).get("Content-Length", 0))
        if not tunnel and (not length or len(stream.read(length)) < length):
            raise EOFError


def answers(data: bytes) -> Handler:
    """Return a handler that answers the first request of each connection with `data`, then closes it."""

    def answer(connection: socket.socket, _: threading.Event) -> None:
        read_request(connection)
        connection.sendall(data)

    return answer


def speaks_first(data: bytes) -> Handler:
    """Return a handler that sends `data` before it receives anything, like servers of other protocols."""

    def greet(connection: socket.socket, stopping: threading.Event) -> None:
        connection.sendall(data)
        stopping.wait()

    return greet


def answers_then_resets(data: bytes) -> Handler:
    """Return a handler that resets the connection within the answer."""

    def answer(connection: socket.socket, stopping: threading.Event) -> None:
        read_request(connection)
        # The pause lets the client read the data, which the reset would discard.
        send_slowly([data], connection, stopping)
        reset(connection)

    return answer


def reads_and_is_silent(connection: socket.socket, stopping: threading.Event) -> None:
    """Read the request, and never answer."""
    read_request(connection)
    stopping.wait()


def drips(first: bytes, piece: bytes) -> Handler:
    """Return a handler that answers with `first`, then slowly repeats `piece` without end."""

    def drip(connection: socket.socket, stopping: threading.Event) -> None:
        read_request(connection)
        send_slowly(itertools.chain([first], itertools.repeat(piece)), connection, stopping)

    return drip


def floods(first: bytes, block: bytes = _A_BLOCK) -> Handler:
    """Return a handler that answers with `first`, then repeats `block` without end at full speed."""

    def flood(connection: socket.socket, stopping: threading.Event) -> None:
        read_request(connection)
        connection.sendall(first)
        send_forever(block, connection, stopping)

    return flood


def decompression_bomb(size: int) -> bytes:
    """Return an OTLP answer whose body has `size` bytes after decompression."""
    body = gzip.compress(bytes(size))
    head = b"Content-Type: application/x-protobuf\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    return OK + head + body
