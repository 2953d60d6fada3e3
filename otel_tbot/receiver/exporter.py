"""The exporter: a process of its own that turns batches into OTLP and sends them.

Encoding takes longer than receiving. In a process beside the receiver it takes nothing from the senders' time, and the
receiver itself loads no exporter. When the receiver ends, however it does, the pipe ends and so does this process.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from typing import TYPE_CHECKING

from otel_tbot.otel.otlp import Answer, OTLPSender
from otel_tbot.otel.payload import make

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

    from otel_tbot.otel.otlp_settings import Signal
    from otel_tbot.receiver.submission import Submission

_SLACK = 5.0  # seconds beyond the exporter's own time-out before it counts as stuck
_END_WITHIN = 1.0  # seconds from the end of the pipe to the end of the process, which does nothing then
_ENDED = Answer(accepted=False, reason="the exporting process ended; the next event starts another")


class Exporter:
    """The receiver's end: hands batches to the process, one at a time, and starts it anew where it has died."""

    def __init__(self, signal_name: Signal, *, timeout: float) -> None:
        """Start nothing yet.

        Args:
            signal_name: `logs` or `traces`.
            timeout: seconds that one export may take by the OTLP settings.
        """
        self._signal = signal_name
        self._limit = timeout + _SLACK
        self._thread = ThreadPoolExecutor(1, "otel-tbot-exports")  # one export at a time
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None

    async def export(self, batch: list[Submission]) -> Answer:
        """Return what became of a batch. An empty one asks the backend whether it accepts anything."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._export, batch)

    def stop(self, *, patience: float) -> None:
        """End the process; kill it if an export is still under way after so many seconds."""
        ended = self._thread.submit(self._end)
        self._thread.shutdown(wait=False)
        wait([ended], patience)
        if self._process is not None:
            self._process.kill()

    def _export(self, batch: list[Submission]) -> Answer:
        try:
            pipe = self._started()
            pipe.send(batch)
            if not pipe.poll(self._limit):
                raise TimeoutError
            answer: Answer = pipe.recv()
        except (OSError, EOFError):
            self._end()
            return _ENDED
        return answer

    def _started(self) -> Connection:
        if self._pipe is None:
            # Spawned, not forked: a fork would hold our sockets and those of our senders open.
            context = multiprocessing.get_context("spawn")
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(
                target=serve_batches, args=(theirs, self._signal), name="otel-tbot-exporter", daemon=True
            )
            self._process.start()
            theirs.close()  # else the pipe would not end with the process
        return self._pipe

    def _end(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.join(_END_WITHIN)
            self._process.kill()
            self._process.join()
        self._pipe = self._process = None


def serve_batches(pipe: Connection, signal_name: Signal) -> None:
    """Send what comes through the pipe until it ends. The main function of the process."""
    # A terminal and systemd signal all processes of a service: when to end is for the receiver to say.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    logging.disable()  # the receiver tells each cause, in one line
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    sender = OTLPSender(signal_name)
    with suppress(EOFError, OSError):
        while True:
            batch: list[Submission] = pipe.recv()
            items = [make(signal_name, event, session, at=at) for event, session, at in batch]
            pipe.send(sender.send(items))
    sender.shutdown()
