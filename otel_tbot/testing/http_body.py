"""Reading the body of an HTTP request: `http.server` leaves framing, compression and limits to its users."""

from __future__ import annotations

import gzip
import io
import zlib
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from email.message import Message

# A chunk-size line or a trailer is short; http.server limits its own lines to the same length.
_MAX_LINE_BYTES = 65536


class RejectedError(Exception):
    """A request that is answered with an error, because it is not OTLP."""

    def __init__(self, status: HTTPStatus, message: str, *, unread: bool = False) -> None:
        """Keep the answer.

        Args:
            status: the status of the answer.
            message: what is wrong with the request.
            unread: whether a part of the request was not read, so that no other can follow it.
        """
        super().__init__(message)
        self.status = status
        self.message = message
        self.unread = unread


def read_body(stream: io.BufferedIOBase, headers: Message, limit: int) -> bytes:
    """Read the body as it was sent, without chunks and still compressed.

    Args:
        stream: the stream to read from.
        headers: the headers of its request.
        limit: the most bytes that are accepted.

    Raises:
        RejectedError: it is too large, or its end cannot be found.
        ConnectionError: the client went away in the middle.
    """
    coding = headers.get("Transfer-Encoding", "").strip().lower()
    if coding == "chunked":
        return _read_chunks(stream, limit)
    if coding:
        raise RejectedError(HTTPStatus.NOT_IMPLEMENTED, f"unknown Transfer-Encoding {coding!r}", unread=True)
    length = headers.get("Content-Length", "0").strip()
    if not (length.isascii() and length.isdigit()):
        raise RejectedError(HTTPStatus.BAD_REQUEST, f"Content-Length {length!r} is not a number", unread=True)
    if len(length) > len(str(limit)) or int(length) > limit:
        raise _too_large(limit, unread=True)
    return _read_exactly(stream, int(length))


def decompress(body: bytes, coding: str, limit: int) -> bytes:
    """Undo the compression of a body.

    Args:
        body: the body as it was sent.
        coding: the value of `Content-Encoding`, empty for none.
        limit: the most bytes that may come out.

    Raises:
        RejectedError: the compression is unknown or damaged, or the result is too large.
    """
    coding = coding.strip().lower()
    above_limit = limit + 1
    try:
        if coding in {"", "identity"}:
            data = body
        elif coding == "gzip":
            data = gzip.GzipFile(fileobj=io.BytesIO(body)).read(above_limit)
        elif coding == "deflate":
            data = _inflate(body, above_limit)
        else:
            raise RejectedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"unknown Content-Encoding {coding!r}")
    except (EOFError, OSError, zlib.error) as error:
        raise RejectedError(HTTPStatus.BAD_REQUEST, f"the body is not valid {coding}: {error}") from error
    if len(data) > limit:
        raise _too_large(limit)
    return data


def _inflate(body: bytes, limit: int) -> bytes:
    """Undo `deflate`, which in HTTP means zlib's format."""
    inflater = zlib.decompressobj()
    data = inflater.decompress(body, limit)
    if not inflater.eof and len(data) < limit:
        message = "it ends too early"
        raise EOFError(message)
    return data


def _read_chunks(stream: io.BufferedIOBase, limit: int) -> bytes:
    """Read a body that comes in chunks (RFC 9112, section 7.1)."""
    body = bytearray()
    while size := _read_chunk_size(stream):
        if len(body) + size > limit:
            raise _too_large(limit, unread=True)
        body += _read_exactly(stream, size)
        if stream.readline(_MAX_LINE_BYTES).strip():
            raise RejectedError(HTTPStatus.BAD_REQUEST, "a chunk is longer than it says", unread=True)
    while stream.readline(_MAX_LINE_BYTES).strip():
        pass  # trailers, which OTLP does not use
    return bytes(body)


def _read_chunk_size(stream: io.BufferedIOBase) -> int:
    """Read the line that begins a chunk."""
    line = stream.readline(_MAX_LINE_BYTES)
    if not line:
        message = "the client went away between two chunks"
        raise ConnectionError(message)
    digits = line.partition(b";")[0].strip()
    if not digits or digits.strip(b"0123456789abcdefABCDEF"):
        raise RejectedError(HTTPStatus.BAD_REQUEST, f"chunk size {digits[:20]!r} is not a number", unread=True)
    return int(digits, 16)


def _read_exactly(stream: io.BufferedIOBase, size: int) -> bytes:
    """Read this many bytes."""
    data = stream.read(size)
    if len(data) < size:
        message = f"the client went away after {len(data)} of {size} bytes"
        raise ConnectionError(message)
    return data


def _too_large(limit: int, *, unread: bool = False) -> RejectedError:
    """Build the answer to a body above the limit."""
    return RejectedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body has more than {limit} bytes", unread=unread)
