"""Runs the receiver: an event loop with uvicorn, the queue and the exporter, from the first connection to the drain."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import uvicorn

from otel_tbot.receiver import metrics, process_tuning
from otel_tbot.receiver.app import Application
from otel_tbot.receiver.batch_queue import BatchQueue
from otel_tbot.receiver.exporter_process import Exporter
from otel_tbot.receiver.health import BackendHealth
from otel_tbot.receiver.http_protocol import LimitedHttpProtocol
from otel_tbot.receiver.listeners import address_of
from otel_tbot.receiver.logfmt import BackendLog, log_event
from otel_tbot.receiver.metrics import Counters
from otel_tbot.receiver.process_tuning import collect_seldom

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Coroutine

    from otel_tbot.otlp.settings import OTLPSettings
    from otel_tbot.receiver.app import Scope
    from otel_tbot.receiver.middleware import Receive, Send

_KEEP_ALIVE = 15  # seconds until an idle connection is closed
_ROOM_TO_REFUSE = 80  # connections above the limit that still get an answer, which says that there are too many
_ANSWERS_END = 1  # seconds after the drain, in half of which those that are told so can read it
_EXPORTERS_END = 1.0  # seconds; by then everything is either delivered or given up


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one receiver takes on.

    Attributes:
        connections: open connections.
        queue: events that wait for the backend.
        peer_rate: requests a second from one address.
        drain: seconds in which a receiver that is told to end still delivers.
    """

    connections: int
    queue: int
    peer_rate: float
    drain: int


def run(
    listeners: list[socket.socket], settings: OTLPSettings, limits: Limits, *, certificate: str | None, key: str | None
) -> None:
    """Serve until SIGTERM or SIGINT, then drain.

    Args:
        listeners: the sockets to accept connections on.
        settings: where the events go.
        limits: see there.
        certificate: path of the certificate chain, PEM; with it, the receiver speaks TLS.
        key: path of its private key, PEM.

    Raises:
        SettingsError: a variable cannot be used, or this process may not open so many files.
    """
    LimitedHttpProtocol.most = limits.connections + _ROOM_TO_REFUSE
    process_tuning.allow(LimitedHttpProtocol.most)
    counters = Counters()
    provider = metrics.provider(counters, os.environ) if metrics.wanted(os.environ) else None
    exporter = Exporter(settings.signal, timeout=settings.timeout)
    backend = BackendHealth(exporter.export, BackendLog().log_event)
    batches = BatchQueue(backend.export, counters, limit=limits.queue)
    application = Application(
        batches,
        counters,
        peer_rate=limits.peer_rate,
        ready=backend.ready,
        crowded=lambda: LimitedHttpProtocol.open_now > limits.connections,
    )
    server = _Server(
        uvicorn.Config(
            _Lifespan(application, [backend.ready]),
            http=LimitedHttpProtocol,
            loop="otel_tbot.receiver.http_protocol:EventLoop",
            ws="none",
            lifespan="on",
            interface="asgi3",
            log_config=None,
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=limits.drain + _ANSWERS_END,
            ssl_certfile=certificate,
            ssl_keyfile=key,
        ),
        limits.drain,
        batches,
    )
    _end_on_signals(server)
    collect_seldom()
    log_event("listening", address=" ".join(map(address_of, listeners)))
    try:
        server.run(listeners)
    finally:
        exporter.stop(patience=_EXPORTERS_END)
        metrics.shut_down(provider)
        log_event("stopped", **counters.summary())


class _Server(uvicorn.Server):
    """A server that tells those who still wait when the time to deliver is over, before it closes their connections."""

    def __init__(self, config: uvicorn.Config, drain: int, batches: BatchQueue) -> None:
        super().__init__(config)
        self._drain = drain
        self._batches = batches

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(self._drain, self._batches.give_up)
        loop.call_later(self._drain + _ANSWERS_END / 2, self._cut_off)
        await super().shutdown(sockets)

    def _cut_off(self) -> None:
        """Leave nothing for uvicorn to cancel: those that are still here have not even sent an event."""
        for connection in list(self.server_state.connections):
            if isinstance(connection, LimitedHttpProtocol):
                connection.cut_off()


class _Lifespan:
    """An application, with what runs beside it from the start of the server to its end (ASGI, lifespan)."""

    def __init__(self, application: Application, beside: list[Callable[[], Coroutine[Any, Any, object]]]) -> None:
        self._application = application
        self._beside = beside

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._application(scope, receive, send)
            return
        await receive()
        asyncio.get_running_loop().set_exception_handler(_tell_fault)
        tasks = [asyncio.create_task(run()) for run in self._beside]
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for task in tasks:
            task.cancel()
        await send({"type": "lifespan.shutdown.complete"})


def _end_on_signals(server: uvicorn.Server) -> None:
    """End well when told to. uvicorn has handlers of its own while it serves, and afterwards repeats what it got."""

    def end(*_: object) -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup(1)
        signal.signal(signal.SIGHUP, end)


def _tell_fault(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Tell a fault by its kind alone: its words may hold the address of a peer."""
    log_event("fault", level=logging.ERROR, error=type(context.get("exception")).__name__)
