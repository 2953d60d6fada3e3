"""The table of faults between us and a backend, and the reason that we must report for each.

Each fault is a real server on loopback, or a port without one. A row has the server, a pattern for the reason, and the
timeout of the delivery.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from google.protobuf.duration_pb2 import Duration

from otel_tbot.testing import Reply
from tests.support.black_hole import black_hole
from tests.support.faults import http1 as http
from tests.support.faults import http2
from tests.support.faults.backends import (
    no_server,
    other_protocol,
    plain_text_at_https_url,
    raw,
    redirecting,
    replying,
    through_proxy,
    tls,
    unknown_name,
)
from tests.support.faults.http1 import CANARY, OK
from tests.support.faults.sockets import closed_port, reset_at_once, silent

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from tests.support.faults.backends import Backend, Protocol, Serve

# Timeouts in seconds. Nearly all rows end immediately or at the timeout.
LONG = 20.0  # for faults that end immediately: the timeout must not be what ends them
SHORT = 0.7  # for faults that are retried: ends within the exporters' first pause (0.8 s)
SHORTEST = 0.25  # for faults that never end by themselves

PROTOCOLS: tuple[Protocol, ...] = ("http/protobuf", "grpc")
_HUGE = 2**26  # bytes; far above what a client may keep of an answer
_REDIRECTS = (301, 302, 303, 307, 308)
_RETRY_AFTER = {
    "none": "0",
    "a day": "86400",
    "a negative time": "-5",
    "a huge number": "1e300",
    "a date in the past": "Thu, 01 Jan 1970 00:00:00 GMT",
    "a date far in the future": "Fri, 31 Dec 9999 23:59:59 GMT",
    "no time at all": CANARY,
}
# Only some with 503, which the same code handles: both ends of the range, and values outside.
_RETRY_AFTER_503 = ("none", "a day", "a negative time", "a date far in the future")
_RETRY_INFO = {"none": 0, "a day": 86400, "a negative time": -5, "ten thousand years": 315_576_000_000}
# Asks for a retry without a pause, over either protocol: an empty `RetryInfo` has a delay of 0.
RETRY_AT_ONCE: dict[str, str | bytes] = {"Retry-After": "0", "google.rpc.retryinfo-bin": b""}

# Patterns of the reported reason.
REFUSED = "connection refused: nothing listens at the endpoint's host and port"
NOT_FOUND = "host not found: check the name in the endpoint"
CLOSED = "the connection was closed before the response"
NOT_HTTP = "the answer is not HTTP: by convention port 4317 is gRPC's and 4318 is HTTP's"
NOT_GRPC = "the answer is not gRPC: by convention port 4318 is HTTP's and 4317 is gRPC's"
TIMED_OUT = (
    r"no (connection to|response from) the backend within the timeout|the backend did not accept it within [\d.]+ s"
)
TIMED_OUT_GRPC = rf"{TIMED_OUT}|the backend's gRPC status is DEADLINE_EXCEEDED"
BROKE_OFF = "the backend answered HTTP 200, and its response broke off"
TLS_FAILED = "TLS with the backend failed: check the certificates, and whether the endpoint is https"
NOT_OTLP = r"the backend's response is not an OTLP response: is this an OTLP endpoint\?"
TOO_LONG = r"the backend's response is too long to be an OTLP response: is this an OTLP endpoint\?"
REJECTED = r"the backend rejected 1 (log record|span)\(s\)"


@dataclass(frozen=True, kw_only=True)
class BackendCase:
    """A row of a table.

    Attributes:
        name: a short description.
        protocol: the protocol of the client.
        serve: starts the backend.
    """

    name: str
    protocol: Protocol
    serve: Serve

    def __str__(self) -> str:
        """Return the test id."""
        return f"{self.protocol.partition('/')[0]}-{self.name}"

    def backend(self) -> AbstractContextManager[Backend]:
        """Return a context manager that runs the backend."""
        return self.serve(self.protocol)


@dataclass(frozen=True, kw_only=True)
class Fault(BackendCase):
    """A fault over one protocol.

    Attributes:
        reason: a regular expression for the whole reason.
        timeout: the timeout of the delivery, in seconds.
    """

    reason: str
    timeout: float

    def matches(self, reason: str) -> bool:
        """Return whether a reason is the right one."""
        return re.fullmatch(self.reason, reason) is not None

    def matches_or_timed_out(self, reason: str) -> bool:
        """Also accept a timeout where it is short: on a busy machine it may expire before the fault appears."""
        return self.matches(reason) or (self.timeout < LONG and re.fullmatch(TIMED_OUT_GRPC, reason) is not None)


def _http(status: int) -> str:
    return f"the backend answered HTTP {status}"


def _grpc(status: str) -> str:
    return f"the backend's gRPC status is {status}"


def _redirected(status: int) -> str:
    return rf"the backend redirected \(HTTP {status}\): configure the address it redirects to"


def _refusing(status: int, headers: Mapping[str, str | bytes] | None = None) -> Serve:
    return replying(Reply(status=status, error_message=CANARY, headers=headers or {}))


def _retry_info(seconds: int) -> dict[str, str | bytes]:
    # Field 1 of the message `google.rpc.RetryInfo` is the delay.
    pause = Duration(seconds=seconds).SerializeToString()
    return {"google.rpc.retryinfo-bin": bytes([0x0A, len(pause)]) + pause}


_TLS_ROWS: dict[str, tuple[Serve, str, float]] = {
    "certificate of an unknown CA": (tls(lambda certs: certs.unknown_authority), TLS_FAILED, SHORT),
    "certificate of an untrusted CA": (tls(lambda certs: certs.good, trusting=False), TLS_FAILED, SHORT),
    "self-signed certificate": (tls(lambda certs: certs.self_signed), TLS_FAILED, SHORT),
    "certificate expired": (tls(lambda certs: certs.expired), TLS_FAILED, SHORT),
    "certificate for another name": (tls(lambda certs: certs.other_name), TLS_FAILED, SHORT),
    # In TLS 1.3 the server reports this after the handshake, when our request may already meet a closed connection.
    "client certificate missing": (
        tls(lambda certs: certs.client_certificate_required), f"{TLS_FAILED}|{CLOSED}", SHORT,
    ),
    "plain text in place of TLS": (plain_text_at_https_url, TLS_FAILED, SHORT),
}  # fmt: skip

_HTTP_ROWS: dict[str, tuple[Serve, str, float]] = {
    # No connection.
    "refused": (no_server(closed_port), REFUSED, SHORT),
    "refused over IPv6": (no_server(lambda: closed_port("::1"), host="::1"), REFUSED, SHORT),
    "black hole": (no_server(black_hole), TIMED_OUT, SHORTEST),
    "unknown name": (unknown_name, f"{NOT_FOUND}|{TIMED_OUT}", SHORT),
    # A connection without an answer.
    "silent": (raw(silent), TIMED_OUT, SHORTEST),
    "silent after the request": (raw(http.reads_and_is_silent), TIMED_OUT, SHORTEST),
    "reset in the request": (raw(reset_at_once), CLOSED, SHORT),
    "reset in the headers": (raw(http.answers_then_resets(OK[:-9])), BROKE_OFF, LONG),
    "reset in the body": (raw(http.answers_then_resets(OK + b"Content-Length: 9\r\n\r\nc")), BROKE_OFF, LONG),
    "closed without an answer": (replying(Reply(drop=True)), CLOSED, SHORT),
    "closed in the body": (raw(http.answers(OK + b"Content-Length: 9\r\n\r\nc")), BROKE_OFF, LONG),
    # An answer that is slow or endless.
    "interim responses dripped": (raw(http.drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n")), TIMED_OUT, SHORTEST),
    "status dripped": (raw(http.drips(b"HTTP/1.1 ", b"2")), TIMED_OUT, SHORTEST),
    "headers dripped": (raw(http.drips(OK, b"c")), TIMED_OUT, SHORTEST),
    "body dripped": (raw(http.drips(OK + b"Content-Length: 9999\r\n\r\n", b"c")), TIMED_OUT, SHORTEST),
    "chunks dripped": (raw(http.drips(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nc\r\n")), TIMED_OUT, SHORTEST),
    "body dripped through a proxy": (through_proxy(http.drips(OK + b"\r\n", b"c")), TIMED_OUT, SHORTEST),
    "answer of a proxy dripped": (through_proxy(http.drips(OK, b"c"), scheme="https"), TIMED_OUT, SHORTEST),
    "body of an error dripped": (raw(http.drips(b"HTTP/1.1 503 No\r\n\r\n", b"c")), TIMED_OUT, SHORTEST),
    "header without end": (raw(http.floods(OK + b"X: ")), BROKE_OFF, LONG),
    "headers without end": (raw(http.floods(OK, b"X: canary-of-the-backend\r\n")), BROKE_OFF, LONG),
    "body without end": (raw(http.floods(OK + b"\r\n")), TOO_LONG, LONG),
    "body of an error without end": (raw(http.floods(b"HTTP/1.1 400 No\r\n\r\n")), _http(400), LONG),
    "huge body": (replying(Reply(body=bytes(_HUGE))), TOO_LONG, LONG),
    "huge body of an error": (replying(Reply(status=400, body=bytes(_HUGE))), _http(400), LONG),
    "huge body, compressed": (raw(http.answers(http.decompression_bomb(_HUGE))), TOO_LONG, LONG),
    # An answer that is not an acceptance.
    **{f"redirect {status}": (redirecting(status), _redirected(status), LONG) for status in _REDIRECTS},
    **{f"status {status}": (_refusing(status), _http(status), LONG) for status in (400, 401, 403, 404, 413)},
    # OpenTelemetry's older exporters retry 500, too.
    **{f"status {status}": (_refusing(status), _http(status), SHORT) for status in (429, 500, 502, 503, 504)},
    **{
        f"status 429, Retry-After {name}": (_refusing(429, {"Retry-After": value}), _http(429), SHORT)
        for name, value in _RETRY_AFTER.items()
    },
    **{
        f"status 503, Retry-After {name}": (_refusing(503, {"Retry-After": _RETRY_AFTER[name]}), _http(503), SHORT)
        for name in _RETRY_AFTER_503
    },
    **{
        f"undefined status {status}": (raw(http.answers(b"HTTP/1.1 %d c\r\n\r\n" % status)), _http(status), LONG)
        for status in (101, 600, 999)
    },
    "only an interim response": (raw(http.answers(b"HTTP/1.1 199 c\r\n\r\n")), CLOSED, SHORT),
    "HTTP/1.0 and an error": (raw(http.answers(b"HTTP/1.0 400 canary-of-the-backend\r\n\r\n")), _http(400), LONG),
    "rejected": (replying(Reply(rejected=1, error_message=CANARY)), REJECTED, LONG),
    "garbage in the body": (replying(Reply(body=b"\xff\xfe\xfd")), NOT_OTLP, LONG),
    "deeply nested JSON": (
        replying(Reply(body=b"[" * 60_000, headers={"Content-Type": "application/json"})), NOT_OTLP, LONG,
    ),
    "a page": (
        replying(Reply(body=b"<p>canary-of-the-backend</p>", headers={"Content-Type": "text/html"})), NOT_OTLP, LONG,
    ),
    "not HTTP": (raw(http.speaks_first(b"\x00\xff" * 99 + b"\r\n")), NOT_HTTP, SHORT),
    "greeting of SSH": (raw(http.speaks_first(b"SSH-2.0-canary-of-the-backend\r\n")), NOT_HTTP, SHORT),
    "gRPC in place of HTTP": (other_protocol, NOT_HTTP, SHORT),
    **_TLS_ROWS,
    "TLS handshake stalled": (raw(silent, scheme="https"), TIMED_OUT, SHORTEST),
}  # fmt: skip

_GRPC_ROWS: dict[str, tuple[Serve, str, float]] = {
    # No connection.
    "refused": (no_server(closed_port), REFUSED, SHORT),
    "refused over IPv6": (no_server(lambda: closed_port("::1"), host="::1"), REFUSED, SHORT),
    "black hole": (no_server(black_hole), TIMED_OUT_GRPC, SHORTEST),
    "unknown name": (unknown_name, f"{NOT_FOUND}|{TIMED_OUT_GRPC}", SHORT),
    # A connection without an answer.
    "silent": (raw(silent), TIMED_OUT_GRPC, SHORTEST),
    "silent after the call": (raw(http2.reads_and_is_silent), TIMED_OUT_GRPC, SHORTEST),
    "delayed": (replying(Reply(delay=600)), TIMED_OUT_GRPC, SHORTEST),
    "reset in the call": (raw(reset_at_once), f"{CLOSED}|{_grpc('UNAVAILABLE')}", SHORT),
    "reset in the answer": (raw(http2.resets_in_the_answer), _grpc("UNAVAILABLE"), SHORT),
    "stream reset": (raw(http2.reset_stream()), _grpc("INTERNAL"), LONG),
    "goes away": (raw(http2.goes_away()), _grpc("UNAVAILABLE"), SHORT),
    "closed without an answer": (replying(Reply(drop=True, error_message=CANARY)), _grpc("UNAVAILABLE"), SHORT),
    # An answer that is slow or endless.
    "bytes dripped": (raw(http2.drips_bytes), TIMED_OUT_GRPC, SHORTEST),
    "settings and pings dripped": (raw(http2.drips_settings), TIMED_OUT_GRPC, SHORTEST),
    "answer dripped": (raw(http2.drips_answer), TIMED_OUT_GRPC, SHORTEST),
    "settings without end": (raw(http2.floods_settings), f"{TIMED_OUT_GRPC}|{_grpc('UNAVAILABLE')}", SHORTEST),
    "headers without end": (raw(http2.floods_headers), _grpc("(RESOURCE_EXHAUSTED|UNAVAILABLE)"), SHORT),
    "huge answer": (replying(Reply(body=bytes(_HUGE))), _grpc("RESOURCE_EXHAUSTED"), SHORT),
    "huge metadata": (replying(Reply(headers={"x": "c" * 2**20})), _grpc("RESOURCE_EXHAUSTED"), SHORT),
    # An answer that is not an acceptance.
    **{f"redirect {status}": (redirecting(status), _grpc("UNKNOWN"), LONG) for status in _REDIRECTS},
    "status 400": (_refusing(400), _grpc("INVALID_ARGUMENT"), LONG),
    "status 401": (_refusing(401), _grpc("UNAUTHENTICATED"), LONG),
    "status 403": (_refusing(403), _grpc("PERMISSION_DENIED"), LONG),
    "status 404": (_refusing(404), _grpc("UNIMPLEMENTED"), LONG),
    "status 500": (_refusing(500), _grpc("INTERNAL"), LONG),
    "status 413": (_refusing(413), _grpc("RESOURCE_EXHAUSTED"), SHORT),
    "status 429": (_refusing(429), _grpc("RESOURCE_EXHAUSTED"), SHORT),
    **{f"status {status}": (_refusing(status), _grpc("UNAVAILABLE"), SHORT) for status in (502, 503, 504)},
    **{
        f"status {status}, retry info {name}": (_refusing(status, _retry_info(seconds)), _grpc(code), SHORT)
        for status, code in ((429, "RESOURCE_EXHAUSTED"), (503, "UNAVAILABLE"))
        for name, seconds in _RETRY_INFO.items()
    },
    "status 503, retry info garbage": (
        _refusing(503, {"google.rpc.retryinfo-bin": b"\xff"}), _grpc("UNAVAILABLE"), SHORT,
    ),
    "success without a message": (raw(http2.succeeds_without_a_message()), NOT_OTLP, LONG),
    "message without a status": (raw(http2.answers_without_a_status()), _grpc("UNKNOWN"), LONG),
    "rejected": (replying(Reply(rejected=1, error_message=CANARY)), REJECTED, LONG),
    "garbage in the message": (replying(Reply(body=b"\xff\xfe\xfd")), _grpc("INTERNAL"), LONG),
    "a page": (raw(http2.status(200)), _grpc("UNKNOWN"), LONG),
    "a page of a proxy that refuses": (raw(http2.status(403)), _grpc("PERMISSION_DENIED"), LONG),
    "not HTTP/2": (raw(http.speaks_first(b"\x00\xff" * 99 + b"\r\n")), NOT_GRPC, SHORT),
    "greeting of SSH": (raw(http.speaks_first(b"SSH-2.0-canary-of-the-backend\r\n")), NOT_GRPC, SHORT),
    "HTTP in place of gRPC": (other_protocol, NOT_GRPC, SHORT),
    **_TLS_ROWS,
    "TLS handshake stalled": (raw(silent, scheme="https"), TIMED_OUT_GRPC, SHORTEST),
}  # fmt: skip

_ROWS: dict[Protocol, dict[str, tuple[Serve, str, float]]] = {"http/protobuf": _HTTP_ROWS, "grpc": _GRPC_ROWS}
FAULTS = tuple(
    Fault(name=name, protocol=protocol, reason=reason, timeout=timeout, serve=serve)
    for protocol, rows in _ROWS.items()
    for name, (serve, reason, timeout) in rows.items()
)


def time_needed(timeout: float) -> float:
    """Return how much of a timeout a fault may use: none of the longest, which is for faults that end immediately."""
    return 0 if timeout == LONG else timeout


def faults_named(*names: str) -> tuple[Fault, ...]:
    """Return the faults with these names, over either protocol."""
    missing = set(names) - {fault.name for fault in FAULTS}
    if missing:
        raise KeyError(*missing)
    return tuple(fault for fault in FAULTS if fault.name in names)
