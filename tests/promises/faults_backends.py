"""Backends that are broken in one way each: how a fault is put on loopback, for either protocol."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from otel_tbot.testing import OTLPReceiver, Reply
from tests.promises import faults_http2
from tests.promises.faults_http import CANARY
from tests.promises.faults_sockets import Loopback, forwarding_to
from tests.promises.faults_tls import certificates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from otel_tbot.testing import TLS
    from tests.promises.faults_sockets import Handler
    from tests.promises.faults_tls import Certificates

Protocol: TypeAlias = Literal["http/protobuf", "grpc"]
Serve: TypeAlias = "Callable[[Protocol], AbstractContextManager[Backend]]"


@dataclass(frozen=True, kw_only=True)
class Backend:
    """A backend that runs.

    Attributes:
        endpoint: its base URL.
        environ: further variables that a client needs.
        came: tells how many connections or calls came to it; None where it cannot tell.
        receiver: the real OTLP backend in it, if there is one.
        elsewhere: another one, which no one named: nothing may arrive there.
    """

    endpoint: str
    environ: Mapping[str, str] = field(default_factory=dict)
    came: Callable[[], int] | None = None
    receiver: OTLPReceiver | None = None
    elsewhere: OTLPReceiver | None = None


def replying(*replies: Reply) -> Serve:
    """Return a real OTLP backend that answers so."""

    @contextmanager
    def serve(protocol: Protocol) -> Iterator[Backend]:
        with OTLPReceiver() as receiver:
            receiver.reply(*replies)
            yield _backend(receiver, protocol)

    return serve


def raw(handle: Handler, *, scheme: str = "http", host: str = "127.0.0.1") -> Serve:
    """Return a server that is no more than a function of a connection."""

    @contextmanager
    def serve(_: Protocol) -> Iterator[Backend]:
        with Loopback(handle, host=host) as server:
            yield Backend(endpoint=_url(server.port, scheme=scheme, host=host), came=lambda: server.connections)

    return serve


def nobody(port: Callable[[], AbstractContextManager[int]], *, host: str = "127.0.0.1") -> Serve:
    """Return a port at which no server answers."""

    @contextmanager
    def serve(_: Protocol) -> Iterator[Backend]:
        with port() as number:
            yield Backend(endpoint=_url(number, host=host))

    return serve


@contextmanager
def unknown_name(_: Protocol) -> Iterator[Backend]:
    """Give a name that never has an address (RFC 6761, section 6.4)."""
    yield Backend(endpoint="http://nonexistent.invalid:4318")


def redirecting(status: int) -> Serve:
    """Return a backend that redirects to another one, which would take the event."""

    @contextmanager
    def serve(protocol: Protocol) -> Iterator[Backend]:
        with ExitStack() as servers:
            elsewhere = servers.enter_context(OTLPReceiver())
            to = f"{_backend(elsewhere, protocol).endpoint}/v1/logs?{CANARY}"
            redirect = Reply(status=status, redirect=to)
            # A gRPC server has no redirects: there it is a proxy before it that answers so.
            over_http2 = raw(faults_http2.status(status, location=to))
            serve_one = over_http2 if protocol == "grpc" else replying(redirect)
            one = servers.enter_context(serve_one(protocol))
            yield Backend(endpoint=one.endpoint, came=one.came, receiver=one.receiver, elsewhere=elsewhere)

    return serve


def showing(choose: Callable[[Certificates], TLS], *, trusting: bool = True) -> Serve:
    """Return a backend that shows one of the certificates, and whether its clients trust our authority."""

    @contextmanager
    def serve(protocol: Protocol) -> Iterator[Backend]:
        with certificates() as made, OTLPReceiver(tls=choose(made)) as receiver:
            environ = {"OTEL_EXPORTER_OTLP_CERTIFICATE": made.authority} if trusting else {}
            # A gRPC server does not tell of a handshake that failed.
            with _counting(_backend(receiver, protocol)) as one:
                yield replace(one, environ=environ)

    return serve


@contextmanager
def mistaken_for_tls(protocol: Protocol) -> Iterator[Backend]:
    """Give a good backend in plain text that is addressed as if it spoke TLS."""
    with OTLPReceiver() as receiver:
        endpoint = _backend(receiver, protocol).endpoint.replace("http://", "https://")
        with _counting(Backend(endpoint=endpoint, receiver=receiver)) as one:
            yield one


@contextmanager
def mistaken_for_the_other_protocol(protocol: Protocol) -> Iterator[Backend]:
    """Give the port at which a good backend speaks its other protocol."""
    with OTLPReceiver() as receiver:
        endpoint = receiver.http_endpoint if protocol == "grpc" else receiver.grpc_endpoint
        with _counting(Backend(endpoint=endpoint, receiver=receiver)) as one:
            yield one


def over_ipv6(serve: Serve) -> Serve:
    """Return the same backend, reached by an IPv6 address only."""

    @contextmanager
    def serve_over_ipv6(protocol: Protocol) -> Iterator[Backend]:
        with serve(protocol) as behind, _counting(behind, host="::1") as before:
            yield before

    return serve_over_ipv6


def over_http_1_0(serve: Serve) -> Serve:
    """Return the same backend, whose answers come in the version of HTTP before."""

    @contextmanager
    def serve_over_http_1_0(protocol: Protocol) -> Iterator[Backend]:
        with serve(protocol) as behind, _counting(behind, answer=(b"HTTP/1.1", b"HTTP/1.0")) as before:
            yield before

    return serve_over_http_1_0


@contextmanager
def _counting(
    behind: Backend, *, host: str = "127.0.0.1", answer: tuple[bytes, bytes] = (b"", b"")
) -> Iterator[Backend]:
    """Give a backend behind a port that passes everything on, and counts the connections."""
    scheme, _, address = behind.endpoint.partition("://")
    with Loopback(forwarding_to(int(address.rpartition(":")[2]), answer), host=host) as server:
        endpoint = _url(server.port, scheme=scheme, host=host)
        yield replace(behind, endpoint=endpoint, came=lambda: server.connections)


def _backend(receiver: OTLPReceiver, protocol: Protocol) -> Backend:
    endpoint = receiver.grpc_endpoint if protocol == "grpc" else receiver.http_endpoint
    return Backend(endpoint=endpoint, came=lambda: receiver.connections, receiver=receiver)


def _url(port: int, *, scheme: str = "http", host: str = "127.0.0.1") -> str:
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
