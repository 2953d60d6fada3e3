"""Plays tbot byte by byte: the request that Go's HTTP client and connect-go send, over a plain socket."""

from __future__ import annotations

import http.client
import json
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from protobuf import Oneof
from protobuf.wkt import Timestamp

from otel_tbot.receiver.wire.tbot_pb import SubmitTbotEventRequest, TbotStartEvent

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PATH = "/prehog.v1alpha.TbotReportingService/SubmitTbotEvent"
SESSION = "1e60b1b2-6f3a-4b0a-9b0e-1d2c3b4a5f60"
START = TbotStartEvent(
    run_mode=TbotStartEvent.RunMode.ONE_SHOT,
    version="18.2.3",
    join_type="github",
    helper="gha:teleport-actions/auth",
    helper_version="2.0.1",
    destinations_other=1,
    destinations_kubernetes=2,
)
# In the order and the spelling of Go 1.24's net/http, with the headers that connect-go 1.18 sets.
GO = {
    "User-Agent": "connect-go/1.18.1 (go1.24.7)",
    "Accept-Encoding": "gzip",
    "Connect-Protocol-Version": "1",
    "Content-Type": "application/proto",
}
_TIMEOUT = 30  # seconds
_LENGTH_DELIMITED = 2  # a wire type of protobuf


def request(start: TbotStartEvent | None = START, *, session: str = SESSION, at: int | None = None) -> bytes:
    """Return tbot's message in protobuf's binary form."""
    message = SubmitTbotEventRequest(
        distinct_id=session,
        timestamp=Timestamp(seconds=at, nanos=987_654_321) if at is not None else None,
        event=Oneof("start", start) if start is not None else None,
    )
    return message.to_binary()


def unknown_field(number: int, content: bytes = b"") -> bytes:
    """Return a field that no version knows, with this number and content."""
    return _varint(number << 3 | _LENGTH_DELIMITED) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    more = number >> 7
    return bytes([number & 0x7F | 0x80]) + _varint(more) if more else bytes([number])


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer of the receiver.

    Attributes:
        status: the HTTP status.
        headers: the headers, with names in lower case.
        body: the body.
        closes: whether the server closes the connection afterwards.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    closes: bool

    @property
    def code(self) -> str:
        """The code of an error in Connect's own form."""
        return str(json.loads(self.body)["code"])


def raw(body: bytes, headers: Mapping[str, str] = GO, *, method: str = "POST", path: str = PATH) -> bytes:
    """Return the bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: receiver.example"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


CHECK = raw(b"", {}, method="GET", path="/healthz")


def send(connection: socket.socket, data: bytes, method: str = "POST") -> Answer:
    """Send bytes, and read one answer."""
    connection.sendall(data)
    return read(connection, method)


def read(connection: socket.socket, method: str = "POST") -> Answer:
    """Read one answer."""
    response = http.client.HTTPResponse(connection, method=method)
    response.begin()
    body = response.read()
    headers = {name.lower(): value for name, value in response.getheaders()}
    closes = response.will_close
    response.close()
    return Answer(status=response.status, headers=headers, body=body, closes=closes)


def connect(port: int) -> socket.socket:
    """Open a connection."""
    return socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT)


def connect_unix(path: Path) -> socket.socket:
    """Open a connection to a unix socket."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(_TIMEOUT)
    connection.connect(str(path))
    return connection


def closed(connection: socket.socket) -> bool:
    """Wait until the other side sends data or closes the connection, and return whether it has closed it."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def submit(port: int, body: bytes | None = None, headers: Mapping[str, str] = GO, **target: str) -> Answer:
    """Send one request over a new connection; by default tbot's."""
    with connect(port) as connection:
        data = raw(request() if body is None else body, headers, **target)
        return send(connection, data, target.get("method", "POST"))
