"""Parse a client's bytes as requests of HTTP/1.1 or HTTP/2. Anything unknown is an error, so no byte is left out.

HTTP/2 allows Huffman-coded strings (RFC 7541, section 5.2), in which a search for plain text finds nothing. gRPC does
not use them; if it did, this parser would raise an error.
"""

from __future__ import annotations

from typing import NamedTuple

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"  # RFC 9113, section 3.4
_FRAME_HEADER = 9  # bytes, RFC 9113, section 4.1
_DATA, _HEADERS, _SETTINGS = 0, 1, 4
_NUMBERS_ALONE = {3: 4, 6: 8, 7: 8, 8: 4}  # bytes in RST_STREAM, PING, GOAWAY without debug data, and WINDOW_UPDATE
_END_HEADERS, _PADDED, _PRIORITY = 0x4, 0x8, 0x20
_MESSAGE_HEADER = 5  # bytes before a gRPC message: the compression flag and the length

# RFC 7541, appendix A: names, and values where there are any.
_STATIC_TABLE = (
    ":authority", ":method GET", ":method POST", ":path /", ":path /index.html", ":scheme http", ":scheme https",
    ":status 200", ":status 204", ":status 206", ":status 304", ":status 400", ":status 404", ":status 500",
    "accept-charset", "accept-encoding gzip, deflate", "accept-language", "accept-ranges", "accept",
    "access-control-allow-origin", "age", "allow", "authorization", "cache-control", "content-disposition",
    "content-encoding", "content-language", "content-length", "content-location", "content-range", "content-type",
    "cookie", "date", "etag", "expect", "expires", "from", "host", "if-match", "if-modified-since", "if-none-match",
    "if-range", "if-unmodified-since", "last-modified", "link", "location", "max-forwards", "proxy-authenticate",
    "proxy-authorization", "range", "referer", "refresh", "retry-after", "server", "set-cookie",
    "strict-transport-security", "transfer-encoding", "user-agent", "vary", "via", "www-authenticate",
)  # fmt: skip


class SentRequest(NamedTuple):
    """A request as it was sent.

    Attributes:
        headers: lower-case names and values in their order. The request line of HTTP/1.1 is given by the pseudo-header
            names of HTTP/2.
        body: the body as it was sent, possibly compressed; over gRPC, the message in it.
    """

    headers: list[tuple[str, str]]
    body: bytes


def read(stream: bytes) -> list[SentRequest]:
    """Return the requests in all bytes that a client sent over one connection.

    Raises:
        ValueError: a part of the bytes is unknown.
    """
    return _http2(stream[len(_PREFACE) :]) if stream.startswith(_PREFACE) else _http1(stream)


def _http1(stream: bytes) -> list[SentRequest]:
    found = []
    while stream:
        head, _, stream = stream.partition(b"\r\n\r\n")
        first, *lines = head.decode("ascii").split("\r\n")
        method, path, version = first.split(" ")
        if version != "HTTP/1.1":
            raise ValueError(version)
        pairs = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        length = int(dict(pairs)["content-length"])
        found.append(SentRequest([(":method", method), (":path", path), *pairs], stream[:length]))
        stream = stream[length:]
    return found


def _http2(stream: bytes) -> list[SentRequest]:
    headers: dict[int, list[tuple[str, str]]] = {}
    bodies: dict[int, bytes] = {}
    table: list[tuple[str, str]] = []
    while stream:
        length, kind, flags = int.from_bytes(stream[:3], "big"), stream[3], stream[4]
        number = int.from_bytes(stream[5:_FRAME_HEADER], "big")
        payload = stream[_FRAME_HEADER : _FRAME_HEADER + length]
        if len(payload) < length or flags & _PADDED:
            message = "a frame that is padded or cut off"
            raise ValueError(message)
        stream = stream[_FRAME_HEADER + length :]
        if kind == _DATA:
            bodies[number] = bodies.get(number, b"") + payload
        elif kind == _HEADERS and flags & _END_HEADERS and not flags & _PRIORITY:
            headers[number] = _HeaderBlock(payload, table).read()
        elif not ((kind == _SETTINGS and length % 6 == 0) or length == _NUMBERS_ALONE.get(kind)):
            message = f"a frame of type {kind} that holds more than numbers"
            raise ValueError(message)
    return [SentRequest(pairs, _message(bodies[number])) for number, pairs in headers.items()]


def _message(body: bytes) -> bytes:
    if body[0] > 1 or int.from_bytes(body[1:_MESSAGE_HEADER], "big") != len(body) - _MESSAGE_HEADER:
        message = "a message that is not alone"
        raise ValueError(message)
    return body[_MESSAGE_HEADER:]


class _HeaderBlock:
    """The headers of one request (RFC 7541, section 6)."""

    def __init__(self, block: bytes, table: list[tuple[str, str]]) -> None:
        self._rest = block
        self._table = table  # of the connection, newest first

    def read(self) -> list[tuple[str, str]]:
        found = []
        while self._rest:
            first = self._rest[0]
            if first & 0x80:
                found.append(self._entry(self._integer(7)))
            elif first & 0xC0 == 0x40:  # a header that is also added to the table
                found.append(self._literal(6))
                self._table.insert(0, found[-1])
            elif first & 0xE0 == 0x20:  # a change of the table's size
                self._integer(5)
            else:
                found.append(self._literal(4))
        return found

    def _literal(self, prefix: int) -> tuple[str, str]:
        index = self._integer(prefix)
        name = self._entry(index)[0] if index else self._text()
        return name, self._text()

    def _entry(self, index: int) -> tuple[str, str]:
        if index > len(_STATIC_TABLE):
            return self._table[index - len(_STATIC_TABLE) - 1]
        name, _, value = _STATIC_TABLE[index - 1].partition(" ")
        return name, value

    def _integer(self, prefix: int) -> int:
        limit = (1 << prefix) - 1
        value, self._rest = self._rest[0] & limit, self._rest[1:]
        shift = 0
        more = value == limit
        while more:
            byte, self._rest = self._rest[0], self._rest[1:]
            value += (byte & 0x7F) << shift
            shift += 7
            more = bool(byte & 0x80)
        return value

    def _text(self) -> str:
        if self._rest[0] & 0x80:
            message = "a text in Huffman's code, in which a search would find nothing"
            raise ValueError(message)
        length = self._integer(7)
        text, self._rest = self._rest[:length], self._rest[length:]
        return text.decode("ascii")
