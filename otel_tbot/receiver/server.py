"""Runs the receiver: uvicorn, the queue and the exporter process, from the first connection to the drain."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import uvicorn

from otel_tbot.receiver.app import Application
from otel_tbot.receiver.batch_queue import BatchQueue
from otel_tbot.receiver.exporter_process import ExporterProcess
from otel_tbot.receiver.health import BackendHealth
from otel_tbot.receiver.http_protocol import LimitedHttpProtocol, OpenConnections, protocol_factory
from otel_tbot.receiver.listeners import address_of
from otel_tbot.receiver.logfmt import BackendLog, log_event, log_notes
from otel_tbot.receiver.metrics import Counters, create_provider, metrics_requested, shutdown_provider
from otel_tbot.receiver.process_settings import relax_gc, require_open_files

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Coroutine

    from otel_tbot.otlp.settings import OTLPSettings
    from otel_tbot.receiver.app import Scope
    from otel_tbot.receiver.middleware import Receive, Send

_KEEP_ALIVE_TIMEOUT = 15  # seconds until an idle connection is closed
_EXTRA_CONNECTIONS = 80  # above the limit; these still get a response that there are too many
# For TLS 1.2, which Debian's Python leaves to OpenSSL. The ciphers of TLS 1.3 are not listed here.
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20"
_RESPONSE_TIMEOUT = 1  # seconds after the drain; clients can read their failures in half of it
_EXPORTER_STOP_TIMEOUT = 1.0  # seconds; by then everything is either delivered or failed


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of one receiver.

    Attributes:
        connections: open connections.
        queue: events that wait for the backend.
        connections_per_address: open connections from one address; None for no limit.
        peer_rate: requests per second from one address.
        drain: seconds that a stopping receiver continues to deliver.
    """

    connections: int
    queue: int
    connections_per_address: int | None
    peer_rate: float
    drain: int


def run(  # noqa: PLR0913  the parts of one receiver
    listeners: list[socket.socket],
    settings: OTLPSettings,
    limits: Limits,
    *,
    destination: str,
    certificate: str | None,
    key: str | None,
) -> None:
    """Serve until SIGTERM or SIGINT, then drain.

    Args:
        listeners: the sockets to accept connections on.
        settings: where the events go.
        destination: the same for the log, without credentials.
        limits: the limits.
        certificate: path of the certificate chain, PEM; with it, the receiver serves TLS.
        key: path of its private key, PEM.

    Raises:
        SettingsError: a variable cannot be used, or the limit on open files is too low.
    """
    log_notes(settings)
    connections = OpenConnections(
        limits.connections, extra=_EXTRA_CONNECTIONS, per_address=limits.connections_per_address
    )
    require_open_files(connections.maximum)
    counters = Counters()
    provider = create_provider(counters, os.environ) if metrics_requested(os.environ) else None
    exporter = ExporterProcess(settings.signal, timeout=settings.timeout)
    backend = BackendHealth(exporter.export, BackendLog().log_result)
    queue = BatchQueue(backend.export, counters, limit=limits.queue)
    application = Application(
        queue,
        counters,
        peer_rate=limits.peer_rate,
        ready=backend.ready,
        over_capacity=lambda: connections.over_limit,
    )
    server = _Server(
        uvicorn.Config(
            _Lifespan(application, [backend.ready]),
            http=protocol_factory(connections),  # type: ignore[arg-type]  # called like the class
            loop="otel_tbot.receiver.http_protocol:EventLoop",
            ws="none",
            lifespan="on",
            interface="asgi3",
            log_config=None,
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_TIMEOUT,
            timeout_graceful_shutdown=None,  # `_Server.shutdown` has the limits
        ),
        limits.drain,
        queue,
    )
    if certificate is not None:
        server.use_tls(certificate, key)
    _stop_on_signals(server)
    relax_gc()
    log_event(
        "listening",
        destination=destination,
        protocol=settings.protocol,
        address=" ".join(map(address_of, listeners)),
    )
    try:
        server.run(listeners)
    finally:
        exporter.stop(timeout=_EXPORTER_STOP_TIMEOUT)
        shutdown_provider(provider)
        log_event("stopped", **counters.summary())


class _Server(uvicorn.Server):
    """A server that fails waiting requests when the drain time is over, before it closes their connections."""

    def __init__(self, config: uvicorn.Config, drain: int, queue: BatchQueue) -> None:
        super().__init__(config)
        self._drain = drain
        self._queue = queue

    def use_tls(self, certificate: str, key: str | None) -> None:
        """Serve TLS 1.2 or newer with forward secrecy, regardless of the defaults of uvicorn and Python."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(_CIPHERS)
        context.load_cert_chain(certificate, key)
        self.config.load()
        self.config.ssl = context

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        ended = asyncio.ensure_future(super().shutdown(sockets))
        # Each timer starts after the step before it. If all had started at once, and the process did not run for a
        # while, several would end at the same time, and connections would be closed before their responses.
        for seconds, end in (
            (self._drain, self._queue.fail_pending),
            (_RESPONSE_TIMEOUT / 2, self._abort_connections),
            (_RESPONSE_TIMEOUT / 2, self._cancel_tasks),
        ):
            await asyncio.wait({ended}, timeout=seconds)
            if ended.done():
                break
            end()
        await ended

    def _abort_connections(self) -> None:
        """Leave nothing to wait for: the clients that are left have not even sent an event."""
        for connection in list(self.server_state.connections):
            if isinstance(connection, LimitedHttpProtocol):
                connection.abort()

    def _cancel_tasks(self) -> None:
        for task in self.server_state.tasks:
            task.cancel()


class _Lifespan:
    """An application with background tasks from the start of the server to its end (ASGI, lifespan)."""

    def __init__(self, application: Application, background: list[Callable[[], Coroutine[Any, Any, object]]]) -> None:
        self._application = application
        self._background = background

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._application(scope, receive, send)
            return
        await receive()
        asyncio.get_running_loop().set_exception_handler(_log_fault)
        tasks = [asyncio.create_task(run()) for run in self._background]
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for task in tasks:
            task.cancel()
        await send({"type": "lifespan.shutdown.complete"})


def _stop_on_signals(server: uvicorn.Server) -> None:
    """Stop on SIGTERM, SIGINT, SIGQUIT and SIGHUP; ignore those that have a meaning for tbot.

    uvicorn has its own handlers of the first two while it serves, and raises the signal again.
    """

    def stop(*_: object) -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, stop)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup(1)
        signal.signal(signal.SIGHUP, stop)
    for number in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)


def _log_fault(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log only the type of an exception: its message may contain a peer's address."""
    log_event("fault", level=logging.ERROR, error=type(context.get("exception")).__name__)
