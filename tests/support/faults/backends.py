"""Backends with one fault each, on loopback, for either protocol."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from otel_tbot.testing import OTLPReceiver, Reply
from tests.support.faults import http2
from tests.support.faults.http1 import CANARY
from tests.support.faults.sockets import Loopback, forwarding_to
from tests.support.faults.tls import certificates
from tests.support.otlp_environment import endpoint_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from otel_tbot.testing import TLS
    from tests.support.faults.sockets import Handler
    from tests.support.faults.tls import Certificates

Protocol: TypeAlias = Literal["http/protobuf", "grpc"]
Serve: TypeAlias = "Callable[[Protocol], AbstractContextManager[Backend]]"


@dataclass(frozen=True, kw_only=True)
class Backend:
    """A running backend.

    Attributes:
        endpoint: its base URL.
        environ: further variables that a client needs.
        count_connections: returns the number of connections or calls so far; None where they cannot be counted.
        receiver: the real OTLP backend in it, if there is one.
        redirect_target: a second backend, which must receive nothing.
    """

    endpoint: str
    environ: Mapping[str, str] = field(default_factory=dict)
    count_connections: Callable[[], int] | None = None
    receiver: OTLPReceiver | None = None
    redirect_target: OTLPReceiver | None = None


def replying(*replies: Reply) -> Serve:
    """Return a real OTLP backend with these replies."""

    @contextmanager
    def serve(protocol: Protocol) -> Iterator[Backend]:
        with OTLPReceiver() as receiver:
            receiver.reply(*replies)
            yield _backend(receiver, protocol)

    return serve


def raw(handle: Handler, *, scheme: str = "http", host: str = "127.0.0.1") -> Serve:
    """Return a server that passes each connection to a function."""

    @contextmanager
    def serve(_: Protocol) -> Iterator[Backend]:
        with Loopback(handle, host=host) as server:
            yield Backend(
                endpoint=_url(server.port, scheme=scheme, host=host), count_connections=lambda: server.connections
            )

    return serve


def through_proxy(handle: Handler, *, scheme: str = "http") -> Serve:
    """Return a backend behind a proxy, which passes each connection to a function."""

    @contextmanager
    def serve(_: Protocol) -> Iterator[Backend]:
        with Loopback(handle) as proxy:
            yield Backend(
                endpoint=f"{scheme}://backend.invalid:4318",
                environ={f"{scheme}_proxy": _url(proxy.port)},
                count_connections=lambda: proxy.connections,
            )

    return serve


def no_server(port: Callable[[], AbstractContextManager[int]], *, host: str = "127.0.0.1") -> Serve:
    """Return a port without a server."""

    @contextmanager
    def serve(_: Protocol) -> Iterator[Backend]:
        with port() as number:
            yield Backend(endpoint=_url(number, host=host))

    return serve


@contextmanager
def unknown_name(_: Protocol) -> Iterator[Backend]:
    """Yield a name that never resolves (RFC 6761, section 6.4)."""
    yield Backend(endpoint="http://nonexistent.invalid:4318")


def redirecting(status: int) -> Serve:
    """Return a backend that redirects to a second one, which would accept the event."""

    @contextmanager
    def serve(protocol: Protocol) -> Iterator[Backend]:
        with ExitStack() as servers:
            redirect_target = servers.enter_context(OTLPReceiver())
            to = f"{_backend(redirect_target, protocol).endpoint}/v1/logs?{CANARY}"
            redirect = Reply(status=status, redirect=to)
            # A gRPC server has no redirects: over gRPC it is a proxy in front of it that redirects.
            over_http2 = raw(http2.status(status, location=to))
            serve_one = over_http2 if protocol == "grpc" else replying(redirect)
            one = servers.enter_context(serve_one(protocol))
            yield Backend(
                endpoint=one.endpoint,
                count_connections=one.count_connections,
                receiver=one.receiver,
                redirect_target=redirect_target,
            )

    return serve


def tls(choose: Callable[[Certificates], TLS], *, trusting: bool = True) -> Serve:
    """Return a backend with one of the certificates; `trusting` is whether its clients trust our authority."""

    @contextmanager
    def serve(protocol: Protocol) -> Iterator[Backend]:
        with certificates() as certs, OTLPReceiver(tls=choose(certs)) as receiver:
            environ = {"OTEL_EXPORTER_OTLP_CERTIFICATE": certs.authority} if trusting else {}
            # A gRPC server does not report a failed handshake, so the connections are counted in front of it.
            with _counting_relay(_backend(receiver, protocol)) as one:
                yield replace(one, environ=environ)

    return serve


@contextmanager
def plain_text_at_https_url(protocol: Protocol) -> Iterator[Backend]:
    """Yield a working plain-text backend with an https URL."""
    with OTLPReceiver() as receiver:
        endpoint = _backend(receiver, protocol).endpoint.replace("http://", "https://")
        with _counting_relay(Backend(endpoint=endpoint, receiver=receiver)) as one:
            yield one


@contextmanager
def other_protocol(protocol: Protocol) -> Iterator[Backend]:
    """Yield the port on which a working backend speaks its other protocol."""
    with OTLPReceiver() as receiver:
        endpoint = receiver.http_endpoint if protocol == "grpc" else receiver.grpc_endpoint
        with _counting_relay(Backend(endpoint=endpoint, receiver=receiver)) as one:
            yield one


def over_ipv6(serve: Serve) -> Serve:
    """Return the same backend, reachable by an IPv6 address only."""

    @contextmanager
    def serve_over_ipv6(protocol: Protocol) -> Iterator[Backend]:
        with serve(protocol) as target, _counting_relay(target, host="::1") as before:
            yield before

    return serve_over_ipv6


def with_answer(serve: Serve, *, status_line: bytes) -> Serve:
    """Return the same backend, whose answers begin with these bytes in place of `HTTP/1.1`."""

    @contextmanager
    def serve_with_answer(protocol: Protocol) -> Iterator[Backend]:
        with serve(protocol) as target, _counting_relay(target, answer=(b"HTTP/1.1", status_line)) as before:
            yield before

    return serve_with_answer


@contextmanager
def _counting_relay(
    target: Backend, *, host: str = "127.0.0.1", answer: tuple[bytes, bytes] = (b"", b"")
) -> Iterator[Backend]:
    """Yield a backend behind a port that forwards everything and counts the connections."""
    scheme, _, address = target.endpoint.partition("://")
    with Loopback(forwarding_to(int(address.rpartition(":")[2]), answer), host=host) as server:
        endpoint = _url(server.port, scheme=scheme, host=host)
        yield replace(target, endpoint=endpoint, count_connections=lambda: server.connections)


def _backend(receiver: OTLPReceiver, protocol: Protocol) -> Backend:
    return Backend(
        endpoint=endpoint_of(receiver, protocol), count_connections=lambda: receiver.connections, receiver=receiver
    )


def _url(port: int, *, scheme: str = "http", host: str = "127.0.0.1") -> str:
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
