"""One HTTP connection: each request is read, checked by the rules of OTLP/HTTP, stored and answered as configured."""

from __future__ import annotations

import json
import socket
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from otel_tbot.otlp.json_encoding import to_otlp_json
from otel_tbot.testing.http_body import RejectedError, decompress, read_body
from otel_tbot.testing.otlp_messages import SIGNALS, decode_json, decode_protobuf, error_body
from otel_tbot.testing.received import ReceivedRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from otel_tbot.testing.inbox import Inbox
    from otel_tbot.testing.otlp_messages import Signal
    from otel_tbot.testing.reply import Reply

JSON = "application/json"
PROTOBUF = "application/x-protobuf"

_SIGNALS = {signal.http_path: signal for signal in SIGNALS}
_WITHOUT_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
_DISCARD_BYTES = 65536


class HTTPHandler(BaseHTTPRequestHandler):
    """Serves the requests of one connection."""

    headers = Message()  # until the first request has some
    protocol_version = "HTTP/1.1"  # keep-alive, which exporters use
    disable_nagle_algorithm = True  # headers and body are two writes, and the second should not wait 40 ms

    def __init__(self, *args: Any, inbox: Inbox, max_body_bytes: int) -> None:  # noqa: ANN401  the socket server's
        """Serve the connection to its end.

        Args:
            args: the arguments of the socket server.
            inbox: where requests are stored.
            max_body_bytes: the largest body that is accepted, compressed or not.
        """
        self._inbox = inbox
        self._max_body_bytes = max_body_bytes
        super().__init__(*args)  # also serves the connection

    def do_POST(self) -> None:
        """Accept an export request."""
        try:
            body = read_body(self.rfile, self.headers, self._max_body_bytes)
            signal = self._signal()
            request = self._request(signal, body)
        except RejectedError as rejection:
            self._reject(rejection)
            return
        reply = self._inbox.receive(request)
        stopped = self._inbox.stopping.wait(reply.wait_seconds)
        if stopped or reply.drop:
            self.close_connection = True
            return
        self._reply(signal, reply)

    def do_GET(self) -> None:
        """Reject a method that OTLP does not use."""
        try:
            read_body(self.rfile, self.headers, self._max_body_bytes)
            self._signal()
        except RejectedError as rejection:
            self._reject(rejection)
            return
        self._reject(RejectedError(HTTPStatus.METHOD_NOT_ALLOWED, f"{self.command} is not POST"), {"allow": "POST"})

    do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815  names that http.server looks for

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Reject what is not HTTP; `http.server` calls this."""
        status = HTTPStatus(code)
        self._reject(RejectedError(status, message or explain or status.phrase, unread=True))

    def version_string(self) -> str:
        """Name the server in the header `Server`."""
        return "OTLPReceiver"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name in http.server
        """Log nothing: the output of a test belongs to the test."""

    def _signal(self) -> Signal:
        """Return the signal of the request's path."""
        signal = _SIGNALS.get(urlsplit(self.path).path)
        if signal is None:
            raise RejectedError(HTTPStatus.NOT_FOUND, f"no signal is received at {self.path}")
        return signal

    def _request(self, signal: Signal, body: bytes) -> ReceivedRequest:
        """Decode a body."""
        media_type = self.headers.get_content_type() if "Content-Type" in self.headers else "nothing"
        if media_type not in {JSON, PROTOBUF}:
            raise RejectedError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Content-Type is {media_type}: use {PROTOBUF} or {JSON}"
            )
        data = decompress(body, self.headers.get("Content-Encoding", ""), self._max_body_bytes)
        decode = decode_json if media_type == JSON else decode_protobuf
        try:
            message = decode(signal, data)
        except ValueError as error:
            raise RejectedError(HTTPStatus.BAD_REQUEST, str(error)) from error
        return ReceivedRequest(
            signal=signal.name,
            protocol="http/json" if media_type == JSON else "http/protobuf",
            path=self.path,
            headers=_join_headers(self.headers),
            body=body,
            message=message,
        )

    def _reply(self, signal: Signal, reply: Reply) -> None:
        """Answer as configured."""
        status = reply.http_status
        headers = {name.lower(): _text(value) for name, value in reply.headers.items()}
        if reply.redirect is not None:
            headers.setdefault("location", reply.redirect)
        if reply.body is not None:
            body = reply.body
        elif status >= HTTPStatus.BAD_REQUEST:
            body = error_body(status, reply.error_message, as_json=self._uses_json)
        else:
            response = signal.response(reply.rejected, reply.error_message)
            body = json.dumps(to_otlp_json(response)).encode() if self._uses_json else response.SerializeToString()
        self._send(status, body, headers)

    def _reject(self, rejection: RejectedError, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        """Answer that a request is not OTLP."""
        self._inbox.count_malformed()
        body = error_body(rejection.status, rejection.message, as_json=self._uses_json)
        if not rejection.unread:
            self._send(rejection.status, body, headers)
            return
        self._send(rejection.status, body, {**headers, "connection": "close"})
        self._discard_rest()

    @property
    def _uses_json(self) -> bool:
        """Whether the request, and so the response, is JSON."""
        return self.headers.get_content_type() == JSON

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        """Write a response; the given headers replace the usual ones."""
        if status in _WITHOUT_BODY:
            body = b""
        usual = {"content-type": JSON if self._uses_json else PROTOBUF, "content-length": str(len(body))}
        self.send_response(status)
        for name, value in {**usual, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _discard_rest(self) -> None:
        """Read the rest of the request: closing at once would reset the connection and lose the response."""
        # The base class's method, because that of a TLS socket would also stop the reading.
        socket.socket.shutdown(self.connection, socket.SHUT_WR)
        while self.rfile.read(_DISCARD_BYTES):
            pass


def _join_headers(headers: Message) -> Mapping[str, str]:
    """Return each header once, by its name in lower case."""
    names = dict.fromkeys(name.lower() for name in headers)
    return MappingProxyType({name: ", ".join(headers.get_all(name, [])) for name in names})


def _text(value: str | bytes) -> str:
    """Return a header's value as the text that http.server writes."""
    return value if isinstance(value, str) else value.decode("latin-1")
