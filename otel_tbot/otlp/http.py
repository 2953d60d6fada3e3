"""OTLP over HTTP without what requests adds by itself: the user's credentials, cookies, and trust in any response.

The session is a public argument of the OTLP exporter.
"""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, NamedTuple
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
    from collections.abc import Callable

    from opentelemetry.sdk._logs.export import LogRecordExporter
    from opentelemetry.sdk.trace.export import SpanExporter

    from otel_tbot.otlp.settings import OTLPSettings

_MAX_RESPONSE_BYTES = 64 * 1024  # OTLP's response is empty or a short message
# What an OTLP request needs in addition to the configured headers.
_REQUIRED_HEADERS = frozenset(
    {"accept-encoding", "content-encoding", "content-length", "content-type", "host", "user-agent"}
)
# Subclasses first: some of these are ConnectionErrors, and all are OSErrors. Our own words, because requests' messages
# repeat the URL, which may hold credentials.
_ERROR_MESSAGES: tuple[tuple[type[BaseException], str], ...] = (
    (requests.exceptions.ProxyError, "the proxy could not be reached"),
    (requests.exceptions.SSLError, "TLS with the backend failed: check the certificates"),
    (requests.exceptions.ConnectTimeout, "no connection to the backend within the timeout"),
    (requests.exceptions.Timeout, "no response from the backend within the timeout"),
    (requests.exceptions.ConnectionError, "no connection to the backend, or it was closed before the response"),
    (requests.exceptions.RequestException, "the request could not be built: check the endpoint and the headers"),
    (OSError, "a certificate or key file cannot be used"),
    (BaseException, "the request could not be sent"),
)


class ResponseRejectedError(requests.exceptions.RequestException):
    """The backend responded, and did not accept everything."""


class _SignalClasses(NamedTuple):
    """What differs between the signals.

    Attributes:
        exporter: the OTLP exporter.
        response: the message with which a backend responds.
        rejected_field: its count of rejected records.
        rejected_json_field: the same in OTLP/JSON.
        what: what that field counts.
    """

    exporter: Any
    response: Any
    rejected_field: str
    rejected_json_field: str
    what: str


def _logs() -> _SignalClasses:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter  # noqa: PLC0415
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse  # noqa: PLC0415

    return _SignalClasses(
        OTLPLogExporter, ExportLogsServiceResponse, "rejected_log_records", "rejectedLogRecords", "log record(s)"
    )


def _traces() -> _SignalClasses:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse  # noqa: PLC0415

    return _SignalClasses(OTLPSpanExporter, ExportTraceServiceResponse, "rejected_spans", "rejectedSpans", "span(s)")


# Functions, since each signal loads only its own messages.
_SIGNALS: dict[str, Callable[[], _SignalClasses]] = {"logs": _logs, "traces": _traces}


def http_exporter(settings: OTLPSettings, failure: FailureReason) -> LogRecordExporter | SpanExporter:
    """Return the OTLP exporter over HTTP that the settings describe.

    Args:
        settings: where and how.
        failure: receives the reason when an export fails.
    """
    classes = _SIGNALS[settings.signal]()
    exporter: LogRecordExporter | SpanExporter = classes.exporter(
        endpoint=settings.endpoint,
        certificate_file=settings.certificate,
        client_key_file=settings.client_key,
        client_certificate_file=settings.client_certificate,
        headers=dict(settings.headers),
        timeout=settings.timeout,
        compression=Compression(settings.compression),
        session=_Session(settings, classes, failure),
    )
    return exporter


class _Session(requests.Session):
    """A session that sends only what it was given, and stores nothing."""

    def __init__(self, settings: OTLPSettings, classes: _SignalClasses, failure: FailureReason) -> None:
        super().__init__()
        self._certificate = settings.certificate
        self.headers.clear()  # Accept-Encoding would reveal which decompressors are installed
        self.headers["Accept-Encoding"] = "identity"
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.auth = _credentials_from_url
        adapter = _Adapter(settings, classes, failure)
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def merge_environment_settings(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  requests' own signature
        """Take proxies from the environment as requests does, but no CA certificates other than the configured."""
        merged = super().merge_environment_settings(*args, **kwargs)
        if self._certificate:
            merged["verify"] = self._certificate
        return merged


def _credentials_from_url(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Use the credentials in the endpoint's URL. Any `auth` at all keeps requests from reading ~/.netrc."""
    user, password = get_auth_from_url(request.url or "")
    return HTTPBasicAuth(user, password)(request) if user or password else request


class SocketTracker:
    """The open sockets of a session, so that another thread can end a response that never ends."""

    def __init__(self) -> None:
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self._closed = threading.Event()

    @property
    def closed(self) -> bool:
        """Whether `close` was called: then no request may start."""
        return self._closed.is_set()

    def add(self, connected: socket.socket) -> None:
        """Track a socket that was just connected."""
        self._sockets.add(connected)
        # `close` first sets the event and then shuts down what is tracked: one of the two sees the other.
        if self.closed:
            connected.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Shut down all sockets, those in use too, and every later one."""
        self._closed.set()
        for tracked in list(self._sockets):
            with suppress(OSError):
                tracked.shutdown(socket.SHUT_RDWR)

    def pool_classes(self) -> dict[str, type[HTTPConnectionPool]]:
        """Return urllib3's connection pools by scheme, with connections that are tracked."""
        return {
            "http": self._tracked(HTTPConnectionPool, HTTPConnection),
            "https": self._tracked(HTTPSConnectionPool, HTTPSConnection),
        }

    def _tracked(self, pool_class: Any, connection_class: Any) -> Any:  # noqa: ANN401  classes made at run time
        tracker = self

        class Connection(connection_class):  # type: ignore[misc]  # one of two, known at run time
            def connect(self) -> None:
                super().connect()
                tracker.add(self.sock)

        class Pool(pool_class):  # type: ignore[misc]  # one of two, known at run time
            ConnectionCls = Connection

        return Pool


class _Adapter(HTTPAdapter):
    """Sends one request and judges the response: accepted, or an error with the reason."""

    def __init__(self, settings: OTLPSettings, classes: _SignalClasses, failure: FailureReason) -> None:
        self._tracker = SocketTracker()
        super().__init__(max_retries=0)  # the exporter retries, within its timeout
        self._classes = classes
        self._failure = failure
        self._headers = _REQUIRED_HEADERS | settings.headers.keys()
        if any(get_auth_from_url(settings.endpoint)):
            self._headers |= {"authorization"}

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: ANN401
        """Return the response if it accepts everything, or is an error that the exporter may retry.

        Raises:
            ResponseRejectedError: the response is a redirect, rejects something, or is not OTLP's; or the session
                is closed.
        """
        if self._tracker.closed:
            # The exporters retry a broken connection at once, also one that their own shutdown has closed.
            self._failure.reason = "the exporter was shut down"
            raise ResponseRejectedError(self._failure.reason)
        self._failure.reason = "the backend did not answer"
        # The exporter adds the environment's headers, which may be meant for another backend, to the given ones.
        request.headers = CaseInsensitiveDict(
            {name: value for name, value in request.headers.items() if name.lower() in self._headers}
        )
        try:
            # stream: the response is read here, up to its limit.
            response = super().send(request, **{**_named(args), **kwargs, "stream": True})
            body = _read_body(response)
        except Exception as error:
            self._failure.reason = _describe_error(error)
            raise
        self._failure.reason = self._judge(response, body)
        # `ok` is any status below 400, which the older exporters take for success.
        if self._failure.reason and response.ok:
            raise ResponseRejectedError(self._failure.reason)
        return response

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  requests' own signature
        """Create the pools with tracked connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._tracker.pool_classes()

    def close(self) -> None:
        """Close all connections for good, those in use too: a thread that waits for a response gets an error."""
        # requests only forgets the pools. What the exporters keep of a failure would hold their connections open.
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for key in manager.pools.keys():  # noqa: SIM118  not a dictionary, and cannot be iterated over
                with suppress(KeyError):  # another thread may close, too
                    manager.pools[key].close()
        super().close()
        self._tracker.close()

    def _judge(self, response: requests.Response, body: bytes | None) -> str:
        """Return why the response is not a full success; empty if it is."""
        if 300 <= response.status_code < 400:  # noqa: PLR2004  the class of redirects
            return f"the backend redirected (HTTP {response.status_code}): configure the address it redirects to"
        if not 200 <= response.status_code < 300:  # noqa: PLR2004  the class of success
            return f"the backend answered HTTP {response.status_code}"
        if body is None:
            return "the backend's response is too long to be an OTLP response: is this an OTLP endpoint?"
        try:
            rejected = self._rejected_count(response, body) if body else 0
        except (DecodeError, ValueError, TypeError, AttributeError, RecursionError):
            return NOT_AN_OTLP_RESPONSE
        return partial_success_reason(rejected, self._classes.what) if rejected else ""

    def _rejected_count(self, response: requests.Response, body: bytes) -> int:
        """Return the number of rejected records in a response of success (OTLP specification, partial success)."""
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind == "application/json":
            return int(json.loads(body).get("partialSuccess", {}).get(self._classes.rejected_json_field, 0))
        if kind == "application/x-protobuf":
            parsed = self._classes.response.FromString(body)
            return int(getattr(parsed.partial_success, self._classes.rejected_field))
        message = "neither of OTLP's content types"
        raise ValueError(message)


def _named(args: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(("stream", "timeout", "verify", "cert", "proxies"), args, strict=False))


def _read_body(response: requests.Response) -> bytes | None:
    """Return the body, or None if it is longer than any OTLP response."""
    try:
        body: bytes = response.raw.read(_MAX_RESPONSE_BYTES + 1, decode_content=True)
    except urllib3.exceptions.ReadTimeoutError as error:
        raise requests.exceptions.ReadTimeout from error
    except urllib3.exceptions.HTTPError as error:
        raise requests.exceptions.ConnectionError from error
    if len(body) <= _MAX_RESPONSE_BYTES:
        return body
    response.close()
    return None


def _describe_error(error: Exception) -> str:
    return next(message for kind, message in _ERROR_MESSAGES if isinstance(error, kind))
