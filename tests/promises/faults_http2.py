"""Answers to a gRPC call that no gRPC server gives: HTTP/2 frames (RFC 9113), written by hand on a plain socket."""

from __future__ import annotations

import itertools
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from tests.promises.faults_sockets import dripping, endlessly, reset

if TYPE_CHECKING:
    import socket
    from typing import BinaryIO

    from tests.promises.faults_sockets import Handler

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, _RST_STREAM, SETTINGS, _PING, _GOAWAY, _CONTINUATION = 0, 1, 3, 4, 6, 7, 9
END_STREAM, _ACK, END_HEADERS = 1, 1, 4
_INTERNAL_ERROR = 2
CALL = 1  # the first stream that a client opens
_GRPC = {":status": "200", "content-type": "application/grpc"}
_A_MEBIBYTE = struct.pack(">BI", 0, 2**20)  # the prefix of a gRPC message of that length


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return one frame."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def block(headers: dict[str, str]) -> bytes:
    """Return headers as HPACK literals that are not indexed (RFC 7541, section 6.2.2)."""
    texts = [text.encode() for pair in headers.items() for text in pair]
    named = zip(texts[::2], texts[1::2], strict=True)
    return b"".join(bytes([0, len(name)]) + name + bytes([len(value)]) + value for name, value in named)


def _headers(headers: dict[str, str], flags: int = END_HEADERS) -> bytes:
    return frame(HEADERS, flags, CALL, block(headers))


def _read_exactly(stream: BinaryIO, length: int) -> bytes:
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return data


def read_call(connection: socket.socket) -> None:
    """Shake hands as a server of HTTP/2, and read one call to its end."""
    connection.sendall(frame(SETTINGS, 0, 0))
    with connection.makefile("rb") as stream:
        _read_exactly(stream, len(PREFACE))
        while True:
            head = _read_exactly(stream, 9)
            kind, flags, number = struct.unpack(">BBI", head[3:])
            _read_exactly(stream, int.from_bytes(head[:3], "big"))
            if kind == SETTINGS and not flags & _ACK:
                connection.sendall(frame(SETTINGS, _ACK, 0))
            if kind in {DATA, HEADERS} and number == CALL and flags & END_STREAM:
                return


def _answers(data: bytes) -> Handler:
    def answer(connection: socket.socket, stopping: threading.Event) -> None:
        read_call(connection)
        connection.sendall(data)
        stopping.wait()

    return answer


def status(number: int, **headers: str) -> Handler:
    """Return a handler that answers a call with the status of HTTP and a page, as a proxy in between does."""
    head = _headers({":status": str(number), "content-type": "text/html", **headers})
    return _answers(head + frame(DATA, END_STREAM, CALL, b"<p>canary-of-the-backend</p>"))


def succeeds_without_a_message() -> Handler:
    """Return a handler that answers a call with success, and not with what the call returns."""
    return _answers(_headers({**_GRPC, "grpc-status": "0"}, flags=END_HEADERS | END_STREAM))


def answers_without_a_status() -> Handler:
    """Return a handler that answers a call with an empty message, and does not say whether it has succeeded."""
    return _answers(_headers(_GRPC) + frame(DATA, END_STREAM, CALL, bytes(5)))


def reset_stream() -> Handler:
    """Return a handler that resets the stream of a call, and keeps the connection."""
    return _answers(frame(_RST_STREAM, 0, CALL, struct.pack(">I", _INTERNAL_ERROR)))


def goes_away() -> Handler:
    """Return a handler that takes no further call, and has not done this one either."""
    return _answers(frame(_GOAWAY, 0, 0, struct.pack(">II", 0, _INTERNAL_ERROR) + b"canary-of-the-backend"))


def reads_and_is_silent(connection: socket.socket, stopping: threading.Event) -> None:
    """Take the call, and never answer."""
    read_call(connection)
    stopping.wait()


def resets_in_the_answer(connection: socket.socket, stopping: threading.Event) -> None:
    """Reset the connection in the middle of the answer."""
    read_call(connection)
    dripping([_headers(_GRPC)], connection, stopping)
    reset(connection)


def drips_bytes(connection: socket.socket, stopping: threading.Event) -> None:
    """Send byte by byte the beginning of a frame that never comes to its end."""
    settings = frame(SETTINGS, 0, 0, bytes(2**14 - 4))
    dripping((bytes([byte]) for byte in settings), connection, stopping)


def drips_settings(connection: socket.socket, stopping: threading.Event) -> None:
    """Send settings, and then a sign of life again and again, but no answer."""
    read_call(connection)
    dripping(itertools.repeat(frame(_PING, _ACK, 0, bytes(8))), connection, stopping)


def drips_answer(connection: socket.socket, stopping: threading.Event) -> None:
    """Send the answer byte by byte."""
    read_call(connection)
    bytewise = itertools.repeat(frame(DATA, 0, CALL, b"c"))
    dripping(itertools.chain([_headers(_GRPC), frame(DATA, 0, CALL, _A_MEBIBYTE)], bytewise), connection, stopping)


def floods_headers(connection: socket.socket, stopping: threading.Event) -> None:
    """Send headers that never end, at full speed."""
    _flood(_headers(_GRPC, flags=0), frame(_CONTINUATION, 0, CALL, block({"x": "c" * 100}) * 100), connection, stopping)


def floods_settings(connection: socket.socket, stopping: threading.Event) -> None:
    """Send settings forever, at full speed."""
    _flood(b"", frame(SETTINGS, 0, 0) * 1000, connection, stopping)


def _flood(first: bytes, block: bytes, connection: socket.socket, stopping: threading.Event) -> None:
    """Answer with a beginning, and then forever with a block, while all that the client says to it is taken."""
    read_call(connection)
    connection.sendall(first)
    taking = threading.Thread(target=_take_all, args=(connection,), name="loopback", daemon=True)
    taking.start()
    try:
        endlessly(block, connection, stopping)
    finally:
        taking.join()


def _take_all(connection: socket.socket) -> None:
    with suppress(OSError):
        while connection.recv(65536):
            pass
