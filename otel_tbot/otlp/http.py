"""OTLP over HTTP without what requests adds of its own: credentials of the user, cookies, and trust in any answer.

The session goes into the OTLP exporter by its public `session` argument.
"""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import requests
import urllib3.exceptions
from google.protobuf.message import DecodeError
from opentelemetry.exporter.otlp.proto.http import Compression
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from requests.structures import CaseInsensitiveDict
from requests.utils import get_auth_from_url
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from otel_tbot.otlp.failure_reason import NOT_AN_OTLP_RESPONSE, FailureReason, partial_success_reason

if TYPE_CHECKING:
    from opentelemetry.sdk._logs.export import LogRecordExporter
    from opentelemetry.sdk.trace.export import SpanExporter

    from otel_tbot.otlp.settings import OTLPSettings

_LONGEST_ANSWER = 64 * 1024  # bytes; OTLP's answer is empty or a short message
# What a request of OTLP needs, beside the headers that are configured.
_HEADERS = frozenset({"accept-encoding", "content-encoding", "content-length", "content-type", "host", "user-agent"})
# The count of a partial success in OTLP's two encodings, and what it counts.
_REJECTED = {
    "logs": ("rejected_log_records", "rejectedLogRecords", "log record(s)"),
    "traces": ("rejected_spans", "rejectedSpans", "span(s)"),
}

# The more special kinds first: some of them are kinds of ConnectionError too, and all of OSError.
_FAULTS: tuple[tuple[type[BaseException], str], ...] = (
    (requests.exceptions.ProxyError, "the proxy could not be reached"),
    (requests.exceptions.SSLError, "TLS with the backend failed: check the certificates"),
    (requests.exceptions.ConnectTimeout, "no connection to the backend within the time-out"),
    (requests.exceptions.Timeout, "no answer from the backend within the time-out"),
    (requests.exceptions.ConnectionError, "no connection to the backend, or it was closed before the answer"),
    (requests.exceptions.RequestException, "the request could not be made: check the endpoint and the headers"),
    (OSError, "a certificate or key file cannot be used"),
    (BaseException, "the request could not be sent"),
)


class ResponseRejectedError(requests.exceptions.RequestException):
    """The backend answered, and the answer is not that it has accepted everything."""


def http_exporter(settings: OTLPSettings, verdict: FailureReason) -> LogRecordExporter | SpanExporter:
    """Return the OTLP exporter over HTTP that the settings describe."""
    keywords: dict[str, Any] = {
        "endpoint": settings.endpoint,
        "certificate_file": settings.certificate,
        "client_key_file": settings.client_key,
        "client_certificate_file": settings.client_certificate,
        "headers": dict(settings.headers),
        "timeout": settings.timeout,
        "compression": Compression(settings.compression),
        "session": _Session(settings, verdict),
    }
    if settings.signal == "logs":
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter  # noqa: PLC0415

        return OTLPLogExporter(**keywords)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

    return OTLPSpanExporter(**keywords)


class _Session(requests.Session):
    """A session that sends what it was given, and keeps nothing."""

    def __init__(self, settings: OTLPSettings, verdict: FailureReason) -> None:
        super().__init__()
        self._certificate = settings.certificate
        self.headers.clear()  # Accept-Encoding would tell which decompressors are installed
        self.headers["Accept-Encoding"] = "identity"
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.auth = _credentials_of_url
        adapter = _Adapter(settings, verdict)
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def merge_environment_settings(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  requests' own signature
        """Take proxies from the environment as requests does, but never other CA certificates than the configured."""
        merged = super().merge_environment_settings(*args, **kwargs)
        if self._certificate:
            merged["verify"] = self._certificate
        return merged


def _credentials_of_url(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Use the credentials in the endpoint's URL. That there is some `auth` at all keeps requests from ~/.netrc."""
    user, password = get_auth_from_url(request.url or "")
    return HTTPBasicAuth(user, password)(request) if user or password else request


class _Adapter(HTTPAdapter):
    """Sends one request and judges the answer: accepted, or an error that says why not."""

    def __init__(self, settings: OTLPSettings, verdict: FailureReason) -> None:
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self._closed = threading.Event()
        super().__init__(max_retries=0)  # the exporter retries, within its time-out
        self._signal = settings.signal
        self._answer = _answer(settings.signal)
        self._verdict = verdict
        self._headers = _HEADERS | settings.headers.keys()
        if any(get_auth_from_url(settings.endpoint)):
            self._headers |= {"authorization"}

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: ANN401
        """Return the answer if it is an error that the exporter may retry, or accepts everything.

        Raises:
            RefusedError: the answer is a redirect, rejects something, or is not OTLP's; or it is too late to send.
        """
        if self._closed.is_set():
            # The exporters at once try a broken connection again, also one that their shutdown has broken.
            self._verdict.reason = "the exporter was shut down"
            raise ResponseRejectedError(self._verdict.reason)
        self._verdict.reason = "the backend did not answer"
        # The exporter mixes the environment's headers into given ones, which may be meant for another backend.
        request.headers = CaseInsensitiveDict(
            {name: value for name, value in request.headers.items() if name.lower() in self._headers}
        )
        try:
            # stream: an answer is read here and no further than its limit.
            response = super().send(request, **{**_named(args), **kwargs, "stream": True})
            body = _read(response)
        except Exception as error:
            self._verdict.reason = _unreachable(error)
            raise
        self._verdict.reason = self._fault(response, body)
        # `ok` is whatever is no error of 4xx or 5xx, and taken for a success by the older exporters.
        if self._verdict.reason and response.ok:
            raise ResponseRejectedError(self._verdict.reason)
        return response

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  requests' own signature
        """Make the connections such that an answer which never ends can be ended."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _pools(self._sockets, self._closed)

    def close(self) -> None:
        """Close all connections for good, those in use too: whoever waits for an answer there gets its end."""
        self._closed.set()
        # requests only forgets the pools. What the exporters keep of a failure would hold their connections open.
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for key in manager.pools.keys():  # noqa: SIM118  no dictionary, and cannot be iterated over
                with suppress(KeyError):  # another thread may close, too
                    manager.pools[key].close()
        super().close()
        for one in list(self._sockets):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _fault(self, response: requests.Response, body: bytes | None) -> str:
        if 300 <= response.status_code < 400:  # noqa: PLR2004  the class of redirects
            return f"the backend redirected (HTTP {response.status_code}): configure the address it redirects to"
        if not 200 <= response.status_code < 300:  # noqa: PLR2004  the class of success
            return f"the backend answered HTTP {response.status_code}"
        if body is None:
            return "the backend's answer is too long to be OTLP's: is this an OTLP endpoint?"
        try:
            rejected = self._rejected(response, body) if body else 0
        except (DecodeError, ValueError, TypeError, AttributeError, RecursionError):
            return NOT_AN_OTLP_RESPONSE
        return partial_success_reason(rejected, _REJECTED[self._signal][2]) if rejected else ""

    def _rejected(self, response: requests.Response, body: bytes) -> int:
        """Return the number of rejected records in an answer of success (OTLP specification, partial success)."""
        field, json_field, _ = _REJECTED[self._signal]
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind == "application/json":
            return int(json.loads(body).get("partialSuccess", {}).get(json_field, 0))
        if kind == "application/x-protobuf":
            return int(getattr(self._answer.FromString(body).partial_success, field))
        message = "neither of OTLP's content types"
        raise ValueError(message)


def _answer(signal: str) -> Any:  # noqa: ANN401  two messages with nothing in common
    """Return the message in which a backend answers; the exporter loads its own signal's messages only."""
    if signal == "logs":
        from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse  # noqa: PLC0415

        return ExportLogsServiceResponse
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse  # noqa: PLC0415

    return ExportTraceServiceResponse


def _pools(sockets: WeakSet[socket.socket], closed: threading.Event) -> dict[str, Any]:
    """Return urllib3's classes of connection pools, made such that each connection's socket is kept in a set."""

    def keep(connected: socket.socket) -> None:
        sockets.add(connected)
        # Whoever closes sets the event first, and ends what is in the set then: one of the two sees the other.
        if closed.is_set():
            connected.shutdown(socket.SHUT_RDWR)

    class Plain(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            keep(self.sock)

    class Secure(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            keep(self.sock)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def _named(args: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(("stream", "timeout", "verify", "cert", "proxies"), args, strict=False))


def _read(response: requests.Response) -> bytes | None:
    """Return the body, or None if it is longer than any answer of OTLP's."""
    try:
        body: bytes = response.raw.read(_LONGEST_ANSWER + 1, decode_content=True)
    except urllib3.exceptions.ReadTimeoutError as error:
        raise requests.exceptions.ReadTimeout from error
    except urllib3.exceptions.HTTPError as error:
        raise requests.exceptions.ConnectionError from error
    if len(body) <= _LONGEST_ANSWER:
        return body
    response.close()
    return None


def _unreachable(error: Exception) -> str:
    """Say what failed in our own words: requests' messages repeat the URL, which may hold credentials."""
    return next(words for kind, words in _FAULTS if isinstance(error, kind))
