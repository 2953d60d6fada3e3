"""The ASGI application: health, any prefix before the service, the bounds on a request, then the Connect library."""

from __future__ import annotations

from http import HTTPStatus
from itertools import chain
from typing import TYPE_CHECKING, Any

from otel_tbot.receiver.codecs import counting_codecs
from otel_tbot.receiver.interceptors import Counting, PeerRate, is_call, rate_limited
from otel_tbot.receiver.middleware import ResponseMiddleware
from otel_tbot.receiver.rate_limit import PeerRateLimiter
from otel_tbot.receiver.service import ReportingService
from otel_tbot.receiver.wire.tbot_connect import TbotReportingServiceASGIApplication

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from otel_tbot.otlp.client import ExportResult
    from otel_tbot.receiver.batch_queue import BatchQueue
    from otel_tbot.receiver.metrics import Counters
    from otel_tbot.receiver.middleware import Message, Receive, Send

    Scope = MutableMapping[str, Any]
    Headers = list[tuple[bytes, bytes]]

MAX_MESSAGE_BYTES = 64 * 1024  # an event of today has a few hundred
MAX_HEADER_BYTES = 16 * 1024
REQUEST_WITHIN = 15_000  # milliseconds for a whole request: longer than an event waits for the backend
_CHECKS_OF_THE_BACKEND = 100.0  # a second from one address; orchestrators make one in some seconds
# What the protocols have in common that a call may come by.
_CALLS = (b"application/connect", b"application/grpc", b"application/json", b"application/proto")
_MOST_DIGITS = 10  # of a time-out, says the Connect protocol
# To compress an answer of no bytes costs more than all the rest, and makes it longer. The time-outs are ours.
_REWRITTEN = frozenset({b"accept-encoding", b"grpc-accept-encoding", b"connect-timeout-ms", b"grpc-timeout"})
_ACCEPTED = b"application/json, application/proto, application/grpc-web+proto"


class Application:
    """Serves everything that the receiver answers."""

    def __init__(
        self,
        batches: BatchQueue,
        counters: Counters,
        *,
        peer_rate: float,
        ready: Callable[[], Awaitable[ExportResult]],
        crowded: Callable[[], bool],
    ) -> None:
        """Put the parts together.

        Args:
            batches: where events go.
            counters: where calls are counted.
            peer_rate: requests a second from one address.
            ready: asks whether the backend accepts.
            crowded: tells whether more connections are open than may be.
        """
        self._counters = counters
        self._peers = PeerRateLimiter(peer_rate)
        self._checkers = PeerRateLimiter(_CHECKS_OF_THE_BACKEND)
        self._ready = ready
        self._crowded = crowded
        self._connect = TbotReportingServiceASGIApplication(
            ReportingService(batches),
            interceptors=[Counting(counters), PeerRate()],
            read_max_bytes=MAX_MESSAGE_BYTES,
            codecs=counting_codecs(counters),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        exchange = ResponseMiddleware(receive, send)
        peer, _ = scope["client"] or ("", 0)  # nobody on a unix socket
        if scope["path"] in {"/healthz", "/readyz"}:
            await self._health(scope, exchange.send, peer)
            return
        is_call.set(False)
        rate_limited.set(not self._peers.admit(peer))
        status, headers = self._refusal(scope)
        if status is None:
            await self._connect({**scope, **self._rewritten(scope)}, exchange.receive, self._counted(exchange.send))
        else:
            await _answer(self._counted(exchange.send), status, headers)

    def _refusal(self, scope: Scope) -> tuple[HTTPStatus | None, Headers]:
        """Return why a request goes no further, and the headers that belong to that; None for one that does."""
        headers: Headers = scope["headers"]
        raw = b"".join(chain.from_iterable(headers))
        if self._crowded():
            return HTTPStatus.SERVICE_UNAVAILABLE, [(b"connection", b"close")]
        if len(raw) > MAX_HEADER_BYTES:
            return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, []
        if not raw.isascii():  # which the library would decode, and fail
            return HTTPStatus.BAD_REQUEST, []
        kind = _first(headers).get(b"content-type", b"")
        if rate_limited.get() and not self._is_call(scope, kind):
            return HTTPStatus.TOO_MANY_REQUESTS, []
        if kind.startswith(b"application/grpc") and not kind.startswith(b"application/grpc-web"):
            # gRPC proper needs HTTP/2 and its trailers, which this server does not speak.
            return HTTPStatus.UNSUPPORTED_MEDIA_TYPE, [(b"accept-post", _ACCEPTED)]
        return None, []

    def _is_call(self, scope: Scope, kind: bytes) -> bool:
        """Tell whether a request looks like a call, which is refused in the protocol's own form."""
        method: str = scope["method"]
        path: str = scope["path"]
        return method == "POST" and path.endswith(f"{self._connect.path}/SubmitTbotEvent") and kind.startswith(_CALLS)

    def _counted(self, send: Send) -> Send:
        """Count the refusals of what is no call, under the words for their HTTP status."""

        async def counted(message: Message) -> None:
            status = message.get("status", 0)
            if status >= HTTPStatus.BAD_REQUEST and not is_call.get():
                self._counters.refused[HTTPStatus(status).phrase.lower().replace(" ", "_")] += 1
            await send(message)

        return counted

    async def _health(self, scope: Scope, send: Send, peer: str) -> None:
        if scope["method"] not in {"GET", "HEAD"}:
            await _answer(send, HTTPStatus.METHOD_NOT_ALLOWED, [(b"allow", b"GET, HEAD")])
        elif scope["path"] == "/healthz":  # always: who gets no answer may take the process for dead, and end it
            await _answer(send, HTTPStatus.OK, [])
        elif not self._checkers.admit(peer):
            await _answer(send, HTTPStatus.TOO_MANY_REQUESTS, [])
        elif (await self._ready()).accepted:
            await _answer(send, HTTPStatus.OK, [])
        else:
            await _answer(send, HTTPStatus.SERVICE_UNAVAILABLE, [])

    def _rewritten(self, scope: Scope) -> dict[str, Any]:
        """Return the request as the library is to see it: without a prefix, with a time-out, answered uncompressed."""
        _, service, method = scope["path"].rpartition(f"{self._connect.path}/")
        headers = [(name, value) for name, value in scope["headers"] if name not in _REWRITTEN]
        return {"path": service + method or scope["path"], "headers": [*headers, *timeouts(scope["headers"])]}


def timeouts(headers: Headers) -> Headers:
    """Return the time-out of a request in the forms of both protocols: the client's own, but never above ours.

    What is no such number is left for the library to refuse.
    """
    asked = _first(headers).get(b"connect-timeout-ms", b"")
    if not asked or (asked.isdigit() and len(asked) <= _MOST_DIGITS):
        asked = b"%d" % min(int(asked or REQUEST_WITHIN), REQUEST_WITHIN)
    return [(b"connect-timeout-ms", asked), (b"grpc-timeout", b"%dm" % REQUEST_WITHIN)]


def _first(headers: Headers) -> dict[bytes, bytes]:
    """Return the headers by name; of several with the same one the first counts."""
    return dict(reversed(headers))


async def _answer(send: Send, status: HTTPStatus, headers: Headers) -> None:
    text = f"{status.phrase}\n".encode()
    start = {"status": status.value, "headers": [(b"content-type", b"text/plain"), *headers]}
    await send({"type": "http.response.start", **start})
    await send({"type": "http.response.body", "body": text})
