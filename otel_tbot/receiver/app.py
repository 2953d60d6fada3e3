"""The ASGI application: health checks, request limits, any path prefix, then the Connect library."""

from __future__ import annotations

from contextvars import ContextVar
from http import HTTPStatus
from itertools import chain
from typing import TYPE_CHECKING, Any

from connectrpc.code import Code
from connectrpc.errors import ConnectError

from otel_tbot.receiver.codecs import counting_codecs
from otel_tbot.receiver.middleware import ResponseMiddleware
from otel_tbot.receiver.rate_limit import PeerRateLimiter
from otel_tbot.receiver.service import ReportingService
from otel_tbot.receiver.wire.tbot_connect import TbotReportingServiceASGIApplication

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from connectrpc.request import RequestContext

    from otel_tbot.otlp.client import ExportResult
    from otel_tbot.receiver.batch_queue import BatchQueue
    from otel_tbot.receiver.metrics import Counters
    from otel_tbot.receiver.middleware import Message, Receive, Send

    Scope = MutableMapping[str, Any]
    Headers = list[tuple[bytes, bytes]]

MAX_MESSAGE_BYTES = 64 * 1024  # a current event has a few hundred
MAX_HEADER_BYTES = 16 * 1024
REQUEST_TIMEOUT_MS = 15_000  # for a whole request: longer than an event waits for the backend
_READINESS_RATE = 100.0  # checks per second from one address; orchestrators make one every few seconds
# How the content type of a call begins, in any of the protocols.
_CALL_CONTENT_TYPES = (b"application/connect", b"application/grpc", b"application/json", b"application/proto")
_MAX_TIMEOUT_DIGITS = 10  # Connect protocol, Connect-Timeout-Ms
# Compressing an empty response costs more than all the rest and makes it longer. The timeouts are set here.
_REPLACED_HEADERS = frozenset({b"accept-encoding", b"grpc-accept-encoding", b"connect-timeout-ms", b"grpc-timeout"})
_ACCEPTED = b"application/json, application/proto, application/grpc-web+proto"


# Decisions about the current request. The Connect library passes no ASGI scope to its interceptors, so they are context
# variables. This one: whether its peer exceeds its rate.
rate_limited: ContextVar[bool] = ContextVar("rate_limited")
# Whether it was recognized as a call; earlier rejections do not reach an interceptor.
reached_service: ContextVar[bool] = ContextVar("reached_service")


class CallCounter:
    """Counts each call, and each rejection under its code."""

    def __init__(self, counters: Counters) -> None:
        """Count into `counters`."""
        self._counters = counters

    async def on_start(self, ctx: RequestContext[Any, Any]) -> None:  # noqa: ARG002  the interceptor's interface
        """Count a call."""
        reached_service.set(True)
        self._counters.received += 1

    async def on_end(self, token: None, ctx: RequestContext[Any, Any], error: Exception | None) -> None:  # noqa: ARG002  the interceptor's interface
        """Count a call that has failed."""
        if error is not None:
            code = error.code if isinstance(error, ConnectError) else Code.INTERNAL
            self._counters.refused[code.value] += 1


class RateLimitInterceptor:
    """Rejects the calls of a peer that exceeds its rate."""

    async def on_start(self, ctx: RequestContext[Any, Any]) -> None:  # noqa: ARG002  the interceptor's interface
        """Accept or reject a call.

        Raises:
            ConnectError: `resource_exhausted`.
        """
        if rate_limited.get():
            raise ConnectError(Code.RESOURCE_EXHAUSTED, "too many events from this address: try again later")

    async def on_end(self, token: None, ctx: RequestContext[Any, Any], error: Exception | None) -> None:
        """Do nothing."""


class Application:
    """Answers every request of the receiver."""

    def __init__(
        self,
        queue: BatchQueue,
        counters: Counters,
        *,
        peer_rate: float,
        ready: Callable[[], Awaitable[ExportResult]],
        over_capacity: Callable[[], bool],
    ) -> None:
        """Create the application.

        Args:
            queue: delivers the events.
            counters: counts the calls.
            peer_rate: requests per second from one address.
            ready: returns whether the backend accepts events.
            over_capacity: returns whether too many connections are open.
        """
        self._counters = counters
        self._peers = PeerRateLimiter(peer_rate)
        self._readiness_peers = PeerRateLimiter(_READINESS_RATE)
        self._ready = ready
        self._over_capacity = over_capacity
        self._connect = TbotReportingServiceASGIApplication(
            ReportingService(queue),
            interceptors=[CallCounter(counters), RateLimitInterceptor()],
            read_max_bytes=MAX_MESSAGE_BYTES,
            codecs=counting_codecs(counters),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        middleware = ResponseMiddleware(receive, send)
        peer, _ = scope["client"] or ("", 0)  # a unix socket has no address
        if scope["path"] in {"/healthz", "/readyz"}:
            await self._health(scope, middleware.send, peer)
            return
        reached_service.set(False)
        rate_limited.set(not self._peers.allow(peer))
        status, headers = self._reject(scope)
        if status is None:
            await self._connect({**scope, **self._rewrite(scope)}, middleware.receive, self._counted(middleware.send))
        else:
            await _respond(self._counted(middleware.send), status, headers)

    def _reject(self, scope: Scope) -> tuple[HTTPStatus | None, Headers]:
        """Return the status and headers of a rejection; None if the request is accepted."""
        headers: Headers = scope["headers"]
        raw = b"".join(chain.from_iterable(headers))
        if self._over_capacity():
            return HTTPStatus.SERVICE_UNAVAILABLE, [(b"connection", b"close")]
        if len(raw) > MAX_HEADER_BYTES:
            return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, []
        if not raw.isascii():  # the library would fail to decode it
            return HTTPStatus.BAD_REQUEST, []
        kind = _first(headers).get(b"content-type", b"")
        if rate_limited.get() and not self._looks_like_call(scope, kind):
            return HTTPStatus.TOO_MANY_REQUESTS, []
        if kind.startswith(b"application/grpc") and not kind.startswith(b"application/grpc-web"):
            # gRPC needs HTTP/2 and its trailers, which this server does not support.
            return HTTPStatus.UNSUPPORTED_MEDIA_TYPE, [(b"accept-post", _ACCEPTED)]
        return None, []

    def _looks_like_call(self, scope: Scope, kind: bytes) -> bool:
        """Return whether a request looks like a call: then it is rejected in the form of its protocol."""
        method: str = scope["method"]
        path: str = scope["path"]
        return (
            method == "POST"
            and path.endswith(f"{self._connect.path}/SubmitTbotEvent")
            and kind.startswith(_CALL_CONTENT_TYPES)
        )

    def _counted(self, send: Send) -> Send:
        """Count rejections of requests that are not calls, by the phrase of their HTTP status."""

        async def counted(message: Message) -> None:
            status = message.get("status", 0)
            if status >= HTTPStatus.BAD_REQUEST and not reached_service.get():
                self._counters.refused[HTTPStatus(status).phrase.lower().replace(" ", "_")] += 1
            await send(message)

        return counted

    async def _health(self, scope: Scope, send: Send, peer: str) -> None:
        if scope["method"] not in {"GET", "HEAD"}:
            await _respond(send, HTTPStatus.METHOD_NOT_ALLOWED, [(b"allow", b"GET, HEAD")])
        elif scope["path"] == "/healthz":  # always: an orchestrator would kill a process that does not answer
            await _respond(send, HTTPStatus.OK, [])
        elif not self._readiness_peers.allow(peer):
            await _respond(send, HTTPStatus.TOO_MANY_REQUESTS, [])
        elif (await self._ready()).accepted:
            await _respond(send, HTTPStatus.OK, [])
        else:
            await _respond(send, HTTPStatus.SERVICE_UNAVAILABLE, [])

    def _rewrite(self, scope: Scope) -> dict[str, Any]:
        """Return the request for the library: no path prefix, a timeout, no response compression."""
        _, service, method = scope["path"].rpartition(f"{self._connect.path}/")
        headers = [(name, value) for name, value in scope["headers"] if name not in _REPLACED_HEADERS]
        return {"path": service + method or scope["path"], "headers": [*headers, *timeouts(scope["headers"])]}


def timeouts(headers: Headers) -> Headers:
    """Return the timeout of a request in the form of both protocols: the client's, but never above ours.

    An invalid number is left for the library to reject.
    """
    requested = _first(headers).get(b"connect-timeout-ms", b"")
    if not requested or (requested.isdigit() and len(requested) <= _MAX_TIMEOUT_DIGITS):
        requested = b"%d" % min(int(requested or REQUEST_TIMEOUT_MS), REQUEST_TIMEOUT_MS)
    return [(b"connect-timeout-ms", requested), (b"grpc-timeout", b"%dm" % REQUEST_TIMEOUT_MS)]


def _first(headers: Headers) -> dict[bytes, bytes]:
    """Return the headers by name; if a name is repeated, the first one counts."""
    return dict(reversed(headers))


async def _respond(send: Send, status: HTTPStatus, headers: Headers) -> None:
    text = f"{status.phrase}\n".encode()
    start = {"status": status.value, "headers": [(b"content-type", b"text/plain"), *headers]}
    await send({"type": "http.response.start", **start})
    await send({"type": "http.response.body", "body": text})
