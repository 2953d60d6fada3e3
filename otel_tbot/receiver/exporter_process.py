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
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from otel_tbot.otlp.client import ExportResult, OTLPClient
from otel_tbot.receiver.batch_queue import settle
from otel_tbot.receiver.process_tuning import collect_seldom
from otel_tbot.receiver.submission import session
from otel_tbot.records import build_record

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

    from otel_tbot.otlp.settings import Signal
    from otel_tbot.receiver.submission import Packed, Submission

_SLACK = 5.0  # seconds beyond the exporter's own time-out before it counts as stuck
_ENDED = ExportResult(accepted=False, reason="the exporting process ended; the next event starts another")


class Exporter:
    """The receiver's end: hands batches to the process, takes its answers, and starts it anew where it has died.

    One batch and one question after the backend may be under way at a time. They fit into the pipe, so that handing
    them on takes no time, whatever the process does.
    """

    def __init__(self, signal_name: Signal, *, timeout: float) -> None:
        """Start nothing yet.

        Args:
            signal_name: `logs` or `traces`.
            timeout: seconds that one export may take by the OTLP settings.
        """
        self._signal = signal_name
        self._limit = timeout + _SLACK
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None
        self._expected: deque[asyncio.Future[ExportResult]] = deque()
        self._stuck: asyncio.TimerHandle | None = None

    def export(self, batch: list[Submission]) -> asyncio.Future[ExportResult]:
        """Hand on a batch; return what will become of it. An empty one asks the backend whether it accepts anything."""
        answer: asyncio.Future[ExportResult] = asyncio.get_running_loop().create_future()
        self._expected.append(answer)
        try:
            self._started().send([submission.packed() for submission in batch])
        except Exception as error:  # noqa: BLE001  whatever it is, the senders wait for an answer
            self._give_up(
                ExportResult(accepted=False, reason=f"there is no exporting process ({type(error).__name__})")
            )
        else:
            self._watch()
        return answer

    def stop(self, *, patience: float) -> None:
        """End the process; kill it if an export is still under way after so many seconds. No event loop is needed."""
        if self._process is None or self._pipe is None:
            return
        self._pipe.close()
        self._process.join(patience)
        self._process.kill()

    def _started(self) -> Connection:
        if self._pipe is None:
            # Spawned, not forked: a fork would hold our sockets and those of our senders open.
            context = multiprocessing.get_context("spawn")
            ours, theirs = context.Pipe()
            process = context.Process(
                target=serve_batches, args=(theirs, self._signal), name="otel-tbot-exporter", daemon=True
            )
            try:
                process.start()
            except BaseException:  # no descriptor, no memory or no process left; there may be later
                ours.close()
                raise
            finally:
                theirs.close()  # else the pipe would not end with the process
            self._pipe, self._process = ours, process
            asyncio.get_running_loop().add_reader(ours.fileno(), self._take, ours)
        return self._pipe

    def _take(self, pipe: Connection) -> None:
        """Take one answer, which belongs to the oldest batch."""
        try:
            answer: ExportResult = pipe.recv()
        except (OSError, EOFError):
            self._give_up()
        else:
            settle(self._expected.popleft(), answer)
            self._watch()

    def _watch(self) -> None:
        """Give the process its time for what it now works on."""
        if self._stuck is not None:
            self._stuck.cancel()
        self._stuck = asyncio.get_running_loop().call_later(self._limit, self._give_up) if self._expected else None

    def _give_up(self, answer: ExportResult = _ENDED) -> None:
        """End the process, and with it all that is under way, which gets this answer."""
        if self._pipe is not None:
            asyncio.get_running_loop().remove_reader(self._pipe.fileno())
            self._pipe.close()
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._pipe = self._process = None
        expected, self._expected = self._expected, deque()
        self._watch()
        for one in expected:
            settle(one, answer)


def serve_batches(pipe: Connection, signal_name: Signal) -> None:
    """Send what comes through the pipe until it ends. The main function of the process."""
    # A terminal and systemd signal all processes of a service: when to end is for the receiver to say.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    logging.disable()  # the receiver tells each cause, in one line
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    collect_seldom()
    sender = OTLPClient(signal_name)
    with suppress(EOFError, OSError):
        while True:
            batch: list[Packed] = pipe.recv()
            pipe.send(
                sender.export(
                    [build_record(signal_name, event, session(id_), timestamp_ns=at) for event, id_, at in batch]
                )
            )
    sender.shutdown()
