"""One HTTP connection: each request is read, judged by the rules of OTLP/HTTP, kept, and answered as was asked for."""

from __future__ import annotations

import json
import socket
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from otel_tbot.otlp.json_encoding import to_otlp_json
from otel_tbot.testing.http_body import RefusedError, decompress, read_body
from otel_tbot.testing.protocol import SIGNALS, decode_json, decode_protobuf, error_body
from otel_tbot.testing.received import ReceivedRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from otel_tbot.testing.http_server import HTTPServer
    from otel_tbot.testing.protocol import Signal
    from otel_tbot.testing.reply import Reply

JSON = "application/json"
PROTOBUF = "application/x-protobuf"

_SIGNALS = {signal.http_path: signal for signal in SIGNALS}
_WITHOUT_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
_DISCARD_BYTES = 65536


class HTTPHandler(BaseHTTPRequestHandler):
    """Serves one connection, request after request."""

    server: HTTPServer
    headers = Message()  # until the first request has some
    protocol_version = "HTTP/1.1"  # keep-alive, which exporters use
    disable_nagle_algorithm = True  # headers and body are two writes, and the second should not wait 40 ms

    def do_POST(self) -> None:
        """Take an export request."""
        try:
            body = read_body(self.rfile, self.headers, self.server.max_body_bytes)
            signal = self._signal()
            request = self._request(signal, body)
        except RefusedError as refusal:
            self._refuse(refusal)
            return
        reply = self.server.inbox.receive(request)
        stopped = self.server.inbox.stopping.wait(reply.wait_seconds)
        if stopped or reply.drop:
            self.close_connection = True
            return
        self._reply(signal, reply)

    def do_GET(self) -> None:
        """Refuse a method that OTLP has no use for."""
        try:
            read_body(self.rfile, self.headers, self.server.max_body_bytes)
            self._signal()
        except RefusedError as refusal:
            self._refuse(refusal)
            return
        self._refuse(RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, f"{self.command} is not POST"), {"allow": "POST"})

    do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815  names that http.server looks for

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is no HTTP; `http.server` calls this."""
        status = HTTPStatus(code)
        self._refuse(RefusedError(status, message or explain or status.phrase, unread=True))

    def version_string(self) -> str:
        """Name the server in the header `Server`."""
        return "OTLPReceiver"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name in http.server
        """Keep quiet: the output of a test belongs to the test."""

    def _signal(self) -> Signal:
        """Find what is posted to this path."""
        signal = _SIGNALS.get(urlsplit(self.path).path)
        if signal is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, f"no signal is received at {self.path}")
        return signal

    def _request(self, signal: Signal, body: bytes) -> ReceivedRequest:
        """Decode a body."""
        media_type = self.headers.get_content_type() if "Content-Type" in self.headers else "nothing"
        if media_type not in {JSON, PROTOBUF}:
            raise RefusedError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Content-Type is {media_type}: use {PROTOBUF} or {JSON}"
            )
        data = decompress(body, self.headers.get("Content-Encoding", ""), self.server.max_body_bytes)
        decode = decode_json if media_type == JSON else decode_protobuf
        try:
            message = decode(signal, data)
        except ValueError as error:
            raise RefusedError(HTTPStatus.BAD_REQUEST, str(error)) from error
        return ReceivedRequest(
            signal=signal.name,
            protocol="http/json" if media_type == JSON else "http/protobuf",
            path=self.path,
            headers=_join_headers(self.headers),
            body=body,
            message=message,
        )

    def _reply(self, signal: Signal, reply: Reply) -> None:
        """Answer as was asked for."""
        status = reply.http_status
        headers = {name.lower(): _text(value) for name, value in reply.headers.items()}
        if reply.redirect is not None:
            headers.setdefault("location", reply.redirect)
        if reply.body is not None:
            body = reply.body
        elif status >= HTTPStatus.BAD_REQUEST:
            body = error_body(status, reply.error_message, json=self._speaks_json)
        else:
            response = signal.response(reply.rejected, reply.error_message)
            body = json.dumps(to_otlp_json(response)).encode() if self._speaks_json else response.SerializeToString()
        self._send(status, body, headers)

    def _refuse(self, refusal: RefusedError, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        """Answer that a request is no OTLP."""
        self.server.inbox.count_refusal()
        body = error_body(refusal.status, refusal.message, json=self._speaks_json)
        if not refusal.unread:
            self._send(refusal.status, body, headers)
            return
        self._send(refusal.status, body, {**headers, "connection": "close"})
        self._discard_rest()

    @property
    def _speaks_json(self) -> bool:
        """Whether the client is to be answered in JSON, as it asked."""
        return self.headers.get_content_type() == JSON

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        """Write an answer; the given headers replace the usual ones."""
        if status in _WITHOUT_BODY:
            body = b""
        usual = {"content-type": JSON if self._speaks_json else PROTOBUF, "content-length": str(len(body))}
        self.send_response(status)
        for name, value in {**usual, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _discard_rest(self) -> None:
        """Read what is still coming: closing at once would reset the connection, and the client lose the answer."""
        # The base class's method, because that of a TLS socket would also end the reading.
        socket.socket.shutdown(self.connection, socket.SHUT_WR)
        while self.rfile.read(_DISCARD_BYTES):
            pass


def _join_headers(headers: Message) -> Mapping[str, str]:
    """Give each header once, under its name in lower case."""
    names = dict.fromkeys(name.lower() for name in headers)
    return MappingProxyType({name: ", ".join(headers.get_all(name, [])) for name in names})


def _text(value: str | bytes) -> str:
    """Give a header's value as the text that http.server writes."""
    return value if isinstance(value, str) else value.decode("latin-1")
