"""OTLP over HTTP without what requests adds by itself: the user's credentials, cookies, and trust in any response.

The session is a public argument of the OTLP exporter.
"""

from __future__ import annotations

from contextlib import suppress
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import requests
import urllib3.exceptions
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.version import __version__ as exporter_version
from opentelemetry.metrics import NoOpMeterProvider
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from requests.structures import CaseInsensitiveDict
from requests.utils import get_auth_from_url

from otel_tbot.opt_in import consent
from otel_tbot.otlp.failure_reason import PATH_TWICE
from otel_tbot.otlp.http_errors import describe_error
from otel_tbot.otlp.response import rejection_reason
from otel_tbot.otlp.sdk_compat import supported_arguments
from otel_tbot.otlp.socket_tracker import ConsentWithdrawnError, SocketTracker
from otel_tbot.regular_file import UnreadableFileError, read_regular_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk._logs.export import LogRecordExporter
    from opentelemetry.sdk.trace.export import SpanExporter
    from urllib3 import PoolManager

    from otel_tbot.otlp.failure_reason import FailureReason
    from otel_tbot.otlp.settings import OTLPSettings

_OTLP_HEADERS = {
    "Accept-Encoding": "identity",  # the list of installed decoders would be a fingerprint
    "Content-Type": "application/x-protobuf",  # for JSON it is replaced
    "User-Agent": f"OTel-OTLP-Exporter-Python/{exporter_version}",
}
_SUCCESS = range(200, 300)
_MAX_RESPONSE_BYTES = 64 * 1024  # OTLP's response is empty or a short message


class FinalError(requests.exceptions.RequestException):
    """The exporter must not try again. It retries the connection errors of requests; this is not one of them."""


class _SignalClasses(NamedTuple):
    """What differs between the signals.

    Attributes:
        exporter: the OTLP exporter.
        request: the message that it sends.
        response: the message that a backend responds with.
        rejected: its count of rejected records, and what that field counts.
    """

    exporter: Any
    request: Any
    response: Any
    rejected: tuple[str, str]


def _logs() -> _SignalClasses:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter  # noqa: PLC0415
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (  # noqa: PLC0415
        ExportLogsServiceRequest,
        ExportLogsServiceResponse,
    )

    rejected = ("rejected_log_records", "log record(s)")
    return _SignalClasses(OTLPLogExporter, ExportLogsServiceRequest, ExportLogsServiceResponse, rejected)


def _traces() -> _SignalClasses:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (  # noqa: PLC0415
        ExportTraceServiceRequest,
        ExportTraceServiceResponse,
    )

    rejected = ("rejected_spans", "span(s)")
    return _SignalClasses(OTLPSpanExporter, ExportTraceServiceRequest, ExportTraceServiceResponse, rejected)


# Functions, so that each signal loads only its own messages.
_SIGNALS: dict[str, Callable[[], _SignalClasses]] = {"logs": _logs, "traces": _traces}


def http_exporter(settings: OTLPSettings, failure: FailureReason) -> LogRecordExporter | SpanExporter:
    """Return the OTLP exporter over HTTP that the settings describe.

    Args:
        settings: where and how.
        failure: receives the reason when an export fails.
    """
    classes = _SIGNALS[settings.signal]()
    exporter: LogRecordExporter | SpanExporter = classes.exporter(
        **http_arguments(classes.exporter, settings), session=_Session(settings, classes, failure)
    )
    return exporter


def http_arguments(exporter: type, settings: OTLPSettings) -> dict[str, Any]:
    """Return the arguments of an OTLP exporter over HTTP, except its session, so that it reads no global.

    It still reads headers and certificates from variables; the session replaces them.

    Args:
        exporter: its class.
        settings: where and how.
    """
    return {
        "endpoint": settings.endpoint,
        "certificate_file": settings.certificate,
        "client_key_file": settings.client_key,
        "client_certificate_file": settings.client_certificate,
        "headers": dict(settings.headers),
        "timeout": settings.timeout,
        # For JSON, the session converts the protobuf, and compresses the result.
        "compression": Compression("none" if settings.protocol == "http/json" else settings.compression),
        # Otherwise it would count in the host's metrics, and could even create and set the global provider.
        **supported_arguments(exporter, meter_provider=NoOpMeterProvider()),
    }


class PlainSession(requests.Session):
    """A session without the user's credentials, cookies and redirects; its certificates are the configured ones."""

    def __init__(self, settings: OTLPSettings) -> None:
        """Replace what requests would add by itself."""
        super().__init__()
        self._certificate = settings.certificate
        self._client_pair = _client_pair(settings)
        self.max_redirects = 0  # a redirect is a failure, but the exporters treat it as a success
        self.headers.clear()
        self.headers.update(_OTLP_HEADERS)
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.auth = _credentials_from_url

    def merge_environment_settings(self, *args: Any, **_: Any) -> Any:  # noqa: ANN401  requests' signature
        """Use proxies from the environment as requests does, but only the configured certificates."""
        url, proxies, stream, *_certificates = args  # which the exporter may have from the environment
        merged = super().merge_environment_settings(url, proxies, stream, True, None)  # noqa: FBT003
        merged["cert"] = self._client_pair
        if self._certificate:
            merged["verify"] = self._certificate
        elif isinstance(merged["verify"], str) and not Path(merged["verify"]).is_dir():
            # REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE: requests would read a device without end.
            try:
                read_regular_file(merged["verify"])
            except UnreadableFileError as error:
                self.fail(f"the file named by REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE {error}")
        return merged

    def fail(self, reason: str) -> NoReturn:
        """End the export.

        Raises:
            FinalError: always.
        """
        raise FinalError(reason)


class _Session(PlainSession):
    """A session that sends only what it was given, and checks the responses."""

    def __init__(self, settings: OTLPSettings, classes: _SignalClasses, failure: FailureReason) -> None:
        super().__init__(settings)
        adapter = _Adapter(settings, classes, failure)
        self.fail = adapter.fail  # type: ignore[method-assign]  # which also keeps the reason
        self.mount("http://", adapter)
        self.mount("https://", adapter)


def _client_pair(settings: OTLPSettings) -> tuple[str, str] | str | None:
    """Return the client's certificate and key in the form of requests: one file may contain both."""
    if settings.client_certificate and settings.client_key:
        return settings.client_certificate, settings.client_key
    return settings.client_certificate


def _credentials_from_url(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Use the credentials in the endpoint's URL. Any `auth` at all keeps requests from reading ~/.netrc."""
    user, password = get_auth_from_url(request.url or "")
    return HTTPBasicAuth(user, password)(request) if user or password else request


class _Adapter(HTTPAdapter):
    """Sends one request and checks the response: accepted, or an error with the reason."""

    def __init__(self, settings: OTLPSettings, classes: _SignalClasses, failure: FailureReason) -> None:
        self._tracker = SocketTracker()
        super().__init__(max_retries=0)  # the exporter retries, within its timeout
        self._settings = settings
        self._classes = classes
        self._failure = failure

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: ANN401
        """Return the response if it accepts everything, or is an error that the exporter may retry.

        Raises:
            FinalError: the exporter must not try again: consent was withdrawn, the session is closed, or the response
                is a redirect, rejects something, is not OTLP's, or broke off after a status of success.
        """
        if self._tracker.closed:
            # The exporters retry a broken connection at once, even one that their own shutdown has closed.
            self.fail("the exporter was shut down")
        decision = consent()
        if not decision:
            self.fail(decision.reason)
        self._failure.reason = "the backend did not answer"
        self._tracker.status = None
        if self._settings.protocol == "http/json":
            request.body = self._json(request.body)
        request.headers = self._headers(request)
        try:
            # stream: the response is read here, up to its limit.
            response = super().send(request, **{**_named(args), **kwargs, "stream": True})
            body = _read_body(response)
        except ConsentWithdrawnError as error:
            self.fail(str(error))
        except Exception as error:
            if self._tracker.status in _SUCCESS:
                # It may have accepted the event, which could arrive twice if sent again.
                self.fail(f"the backend answered HTTP {self._tracker.status}, and its response broke off")
            self._failure.reason = describe_error(error)
            raise
        kind = response.headers.get("Content-Type", "")
        reason = rejection_reason(response.status_code, kind, body, self._classes.response, self._classes.rejected)
        if reason and self._settings.endpoint.count(f"/v1/{self._settings.signal}") > 1:
            reason = f"{reason}: {PATH_TWICE}"
        self._failure.reason = reason
        # `ok` is any status below 400, which the older exporters treat as success.
        if reason and response.ok:
            self.fail(reason)
        return response

    def fail(self, reason: str) -> NoReturn:
        """End the export.

        Raises:
            FinalError: always.
        """
        self._failure.reason = reason
        raise FinalError(reason)

    def _headers(self, request: requests.PreparedRequest) -> CaseInsensitiveDict[str]:
        """Return the headers to send: OTLP's own and the configured ones.

        The exporter adds the headers of the environment to the given ones, and they may be for another backend.
        """
        headers = CaseInsensitiveDict(_OTLP_HEADERS)
        if self._settings.protocol == "http/json":
            headers["Content-Type"] = "application/json"
        if self._settings.compression != "none":
            headers["Content-Encoding"] = self._settings.compression
        if any(get_auth_from_url(self._settings.endpoint)):
            headers["Authorization"] = request.headers["Authorization"]
        headers.update(self._settings.headers)
        headers["Content-Length"] = str(len(request.body or b""))
        return headers

    def _json(self, protobuf: Any) -> bytes:  # noqa: ANN401  bytes; requests allows more
        """Return a request in OTLP's other encoding."""
        from otel_tbot.otlp.json_encoding import json_request  # noqa: PLC0415  not needed for protobuf

        return json_request(self._classes.request.FromString(protobuf), self._settings.compression)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  requests' signature
        """Create the pools with tracked connections."""
        super().init_poolmanager(*args, **kwargs, ssl_context=self._tracker.tls_context())
        self._track(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:  # noqa: ANN401  requests' signature
        """Return the pools of a proxy, with tracked connections."""
        if proxy not in self.proxy_manager:
            kwargs["ssl_context"] = self._tracker.tls_context()
            if proxy.lower().startswith("https:"):
                kwargs["proxy_ssl_context"] = self._tracker.tls_context()
            self._track(super().proxy_manager_for(proxy, **kwargs))
        return self.proxy_manager[proxy]

    def _track(self, manager: PoolManager) -> None:
        manager.pool_classes_by_scheme = self._tracker.track(manager.pool_classes_by_scheme)

    def close(self) -> None:
        """Close all connections for good, including those in use: a thread that waits for a response gets an error."""
        # requests only forgets the pools. The failures that the exporters keep would hold their connections open.
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for key in manager.pools.keys():  # noqa: SIM118  not a dictionary, and cannot be iterated over
                with suppress(KeyError):  # another thread may close, too
                    manager.pools[key].close()
        super().close()
        self._tracker.close()


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
