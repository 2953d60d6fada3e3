"""The exporter process: encodes batches as OTLP and sends them.

Encoding takes longer than receiving. In a separate process it does not delay the clients, and the receiver loads no
exporter. When the receiver ends in any way, the pipe closes and this process ends.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
from collections import deque
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection, Pipe
from typing import TYPE_CHECKING

from otel_tbot.isolated_python import python_command
from otel_tbot.otlp.client import ExportResult, OTLPClient
from otel_tbot.receiver.batch_queue import remote_session, resolve
from otel_tbot.receiver.process_settings import relax_gc
from otel_tbot.records import build_record

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.trace import ReadableSpan

    from otel_tbot.otlp.settings import Signal
    from otel_tbot.receiver.batch_queue import Packed, Submission

_EXTRA_SECONDS = 5.0  # beyond the export's own timeout before the process counts as stuck
_PROCESS_ENDED = ExportResult(accepted=False, reason="the exporter process ended; the next event starts another")


class ExporterProcess:
    """The receiver's side: sends batches to the process, receives its results, and restarts it if it has ended.

    At most one batch and one probe of the backend are in progress. They fit into the pipe, so that sending them never
    blocks.
    """

    def __init__(self, signal_name: Signal, *, timeout: float) -> None:
        """Create the object; the process starts with the first export.

        Args:
            signal_name: `logs` or `traces`.
            timeout: seconds that one export may take according to the OTLP settings.
        """
        self._signal = signal_name
        self._timeout = timeout + _EXTRA_SECONDS
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None
        self._pending: deque[asyncio.Future[ExportResult]] = deque()
        self._stuck_timer: asyncio.TimerHandle | None = None

    def export(self, batch: list[Submission]) -> asyncio.Future[ExportResult]:
        """Send a batch; return a future of its result. An empty batch probes the backend."""
        result: asyncio.Future[ExportResult] = asyncio.get_running_loop().create_future()
        self._pending.append(result)
        try:
            self._get_pipe().send([submission.packed() for submission in batch])
        except Exception as error:  # noqa: BLE001  the clients wait for a response
            self._fail_pending(
                ExportResult(accepted=False, reason=f"there is no exporter process ({type(error).__name__})")
            )
        else:
            self._restart_stuck_timer()
        return result

    def stop(self, *, timeout: float) -> None:
        """Stop the process; kill it if it has not ended in time. Needs no event loop.

        Args:
            timeout: seconds.
        """
        if self._process is None or self._pipe is None:
            return
        self._pipe.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout)
        self._process.kill()

    def _get_pipe(self) -> Connection:
        if self._pipe is None:
            our_end, their_end = Pipe()
            # Not forked: a fork would keep our sockets and those of our clients open.
            command = python_command(__name__, str(their_end.fileno()), self._signal)
            try:
                process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[their_end.fileno()])  # noqa: S603  our own program
            except BaseException:  # out of descriptors, memory or processes; that may change
                our_end.close()
                raise
            finally:
                their_end.close()  # otherwise the pipe would not close with the process
            self._pipe, self._process = our_end, process
            asyncio.get_running_loop().add_reader(our_end.fileno(), self._receive, our_end)
        return self._pipe

    def _receive(self, pipe: Connection) -> None:
        """Receive one result; it belongs to the oldest batch."""
        try:
            result: ExportResult = pipe.recv()
        except (OSError, EOFError):
            self._fail_pending()
        else:
            resolve(self._pending.popleft(), result)
            self._restart_stuck_timer()

    def _restart_stuck_timer(self) -> None:
        """Start the timeout of what the process is working on."""
        if self._stuck_timer is not None:
            self._stuck_timer.cancel()
        self._stuck_timer = (
            asyncio.get_running_loop().call_later(self._timeout, self._fail_pending) if self._pending else None
        )

    def _fail_pending(self, result: ExportResult = _PROCESS_ENDED) -> None:
        """Kill the process; everything in progress gets this result."""
        if self._pipe is not None:
            asyncio.get_running_loop().remove_reader(self._pipe.fileno())
            self._pipe.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._pipe = self._process = None
        pending, self._pending = self._pending, deque()
        self._restart_stuck_timer()
        for future in pending:
            resolve(future, result)


def main(descriptor: str, signal_name: Signal) -> None:
    """Export what arrives on a pipe until it closes. The main function of the process.

    Args:
        descriptor: the number of the pipe's end.
        signal_name: `logs` or `traces`.
    """
    pipe = Connection(int(descriptor))
    # A terminal and systemd signal all processes of a service; the receiver decides when this one ends.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    logging.disable()  # the receiver logs each cause, in one line
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    relax_gc()
    client = OTLPClient(signal_name)
    with suppress(EOFError, OSError):
        while True:
            pipe.send(client.export(partial(_records, signal_name, pipe.recv())))
    client.shutdown()


def _records(signal_name: Signal, batch: list[Packed]) -> list[ReadableLogRecord | ReadableSpan]:
    return [
        build_record(signal_name, attributes, remote_session(session_id), timestamp_ns=timestamp_ns)
        for attributes, session_id, timestamp_ns in batch
    ]
