"""Acknowledged means delivered: no acknowledged event is lost, regardless of the backend and the operator."""

from __future__ import annotations

import asyncio
import itertools
import os
import resource
import signal
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from otel_tbot.testing import Reply
from tests.integration.receiver.conftest import ON
from tests.integration.receiver.http_client import CHECK, connect, raw, read, request, send, submit
from tests.integration.receiver.load import LoadResult, play, sessions_of
from tests.support.collector import wait_until
from tests.support.held_reply import HeldReply

if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_tbot.testing import OTLPReceiver
    from tests.integration.receiver.receiver_process import RunningReceiver
    from tests.support.collector import Collector


def exporting_processes(pid: int) -> list[int]:
    """Return the ids of a receiver's exporting processes."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    children = [child for names in lists for child in names.read_text().split()]
    return [int(child) for child in children if b"exporter_process" in _command(child)]


def _command(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        return b""


def exporting_process(pid: int) -> int:
    """Return the id of the only exporting process."""
    (found,) = exporting_processes(pid)
    return found


def settle(port: int) -> None:
    """Wait until a receiver has handled what was sent to it before over other connections."""
    with connect(port) as connection:
        for _ in range(10):  # turns of its event loop: to accept, to read, and to notice that a sender has disconnected
            assert send(connection, CHECK, "GET").status == 200


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_collector(serve: Callable[..., RunningReceiver], collector: Collector, protocol: str) -> None:
    """Events go to a real Collector over either protocol, and have arrived when they are acknowledged."""
    endpoint = collector.endpoints[protocol]
    running = serve(**ON, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, OTEL_EXPORTER_OTLP_PROTOCOL=protocol)
    session = str(uuid.uuid4())
    assert submit(running.port, request(session=session)).status == 200
    assert sessions_of(collector) == [session]


@pytest.mark.parametrize(
    ("reply", "timeout"),
    [
        (Reply(status=400), "10"),
        (Reply(rejected=1), "10"),
        (Reply(redirect="http://127.0.0.1:1/"), "10"),
        (Reply(drop=True), "5"),  # is retried until then
    ],
    ids=["refuses", "rejects", "redirects", "hangs up"],
)
def test_bad_backend(serve: Callable[..., RunningReceiver], receiver: OTLPReceiver, reply: Reply, timeout: str) -> None:
    """An event that the backend does not accept gets `unavailable`, and one line in the log."""
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint, "OTEL_EXPORTER_OTLP_TIMEOUT": timeout}
    running = serve(**ON, **variables)
    receiver.wait_for_requests(1, timeout=30)
    receiver.reply(reply)
    for _ in range(2):
        answer = submit(running.port)
        assert (answer.status, answer.code) == (503, "unavailable")
    receiver.reply(Reply())
    assert submit(running.port).status == 200
    assert running.stop() == 0
    reasons = [line["reason"] for line in running.events("backend failing")]
    assert reasons
    assert sorted(reasons) == sorted(set(reasons))
    assert len(running.events("backend accepting")) == 1
    assert running.summary == {**running.summary, "exported": 1, "failed": 2, "refused_unavailable": 2}


def test_no_backend(serve: Callable[..., RunningReceiver]) -> None:
    """Without a backend, a receiver starts but acknowledges nothing."""
    running = serve(**ON, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1", OTEL_EXPORTER_OTLP_TIMEOUT="0.3")
    assert submit(running.port).code == "unavailable"
    assert running.stop() == 0
    assert running.events("backend failing")


def test_full_queue(serve: Callable[..., RunningReceiver], receiver: OTLPReceiver) -> None:
    """When the queue is full, the next event is refused at once; those in the queue are delivered."""
    running = serve("--queue-size", "2", **ON, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint)
    receiver.wait_for_requests(1, timeout=30)
    receiver.clear()
    held = HeldReply()
    receiver.reply(held, Reply())
    with ThreadPoolExecutor(1) as senders:
        first = senders.submit(submit, running.port)
        receiver.wait_for_requests(1, timeout=30)  # one is being sent
        waiting = [connect(running.port) for _ in range(2)]
        for connection in waiting:
            connection.sendall(raw(request()))
        settle(running.port)
        answer = submit(running.port)
        held.release()
        assert (answer.status, answer.code) == (429, "resource_exhausted")
        assert first.result().status == 200
    for connection in waiting:
        assert read(connection).status == 200
        connection.close()
    assert running.stop() == 0
    assert running.summary["exported"] == len(receiver.log_records) == 3


def test_sender_that_gave_up(serve: Callable[..., RunningReceiver], receiver: OTLPReceiver) -> None:
    """An event whose sender gave up while it waited is dropped, because it was not acknowledged."""
    running = serve(**ON, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint)
    receiver.wait_for_requests(1, timeout=30)
    receiver.clear()
    held = HeldReply()
    receiver.reply(held, Reply())
    with ThreadPoolExecutor(1) as senders:
        first = senders.submit(submit, running.port)
        receiver.wait_for_requests(1, timeout=30)
        impatient = {"Content-Type": "application/proto", "Connect-Timeout-Ms": "300"}
        assert submit(running.port, headers=impatient).code == "deadline_exceeded"
        with connect(running.port) as connection:
            connection.sendall(raw(request()))
        settle(running.port)
        held.release()
        assert first.result().status == 200
    assert submit(running.port).status == 200
    assert running.stop() == 0
    assert running.summary == {**running.summary, "received": 4, "exported": 2, "failed": 2}
    assert len(receiver.log_records) == 2


def test_sender_of_pipelined_events_that_disconnected(
    serve: Callable[..., RunningReceiver], receiver: OTLPReceiver
) -> None:
    """If a sender of pipelined events disconnects, the events still in the queue are dropped without a warning."""
    running = serve(**ON, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint)
    receiver.wait_for_requests(1, timeout=30)
    receiver.clear()
    held = HeldReply()
    receiver.reply(held, Reply())
    with connect(running.port) as connection:
        connection.sendall(raw(request()) * 3)
        receiver.wait_for_requests(1, timeout=30)
    settle(running.port)
    held.release()
    assert submit(running.port).status == 200
    assert running.stop() == 0
    assert len(receiver.log_records) == 2
    assert [line for line in running.lines if "level=info" not in line] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_drain(serve: Callable[..., RunningReceiver], receiver: OTLPReceiver, number: signal.Signals) -> None:
    """At a stop signal, the receiver accepts no more events, delivers and acknowledges the rest, and ends with 0."""
    running = serve(**ON, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint)
    receiver.wait_for_requests(1, timeout=30)
    receiver.clear()
    receiver.reply(Reply(delay=1), Reply())
    senders = [connect(running.port) for _ in range(20)]
    for connection in senders:
        connection.sendall(raw(request()))
    receiver.wait_for_requests(1, timeout=30)
    idle = connect(running.port)
    assert send(idle, CHECK, "GET").status == 200  # so that the connection has been accepted
    running.process.send_signal(number)
    assert idle.recv(1) == b""
    assert [read(connection).status for connection in senders] == [200] * len(senders)
    for connection in (*senders, idle):
        connection.close()
    assert running.wait() == 0
    assert len(receiver.log_records) == len(senders)


def test_drain_has_a_deadline(serve: Callable[..., RunningReceiver], receiver: OTLPReceiver) -> None:
    """A backend that does not answer delays the end by the drain timeout at most; senders get an error."""
    running = serve("--drain-timeout", "1", **ON, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint)
    receiver.wait_for_requests(1, timeout=30)
    receiver.clear()
    receiver.reply(Reply(delay=60))
    with connect(running.port) as connection, connect(running.port) as waiting:
        connection.sendall(raw(request()))
        receiver.wait_for_requests(1, timeout=30)
        waiting.sendall(raw(request()))
        assert submit(running.port, b"", {}, method="GET", path="/healthz").status == 200  # by now it was read
        begun = time.monotonic()
        running.process.send_signal(signal.SIGTERM)
        assert [read(one).code for one in (connection, waiting)] == ["unavailable", "unavailable"]
        assert running.wait() == 0
        assert time.monotonic() - begun < 20
    assert running.summary == {**running.summary, "received": 2, "failed": 2, "refused_unavailable": 2}
    assert [line for line in running.lines if "level=error" in line] == []


def test_drain_ends_while_the_receiver_is_stopped(
    serve: Callable[..., RunningReceiver], receiver: OTLPReceiver
) -> None:
    """Senders get an error even if the receiver does not run when the drain ends, nor for some time after that."""
    running = serve("--drain-timeout", "2", **ON, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint)
    receiver.wait_for_requests(1, timeout=30)
    receiver.clear()
    receiver.reply(Reply(delay=60))
    with connect(running.port) as connection, connect(running.port) as waiting, connect(running.port) as idle:
        connection.sendall(raw(request()))
        receiver.wait_for_requests(1, timeout=30)
        waiting.sendall(raw(request()))
        settle(running.port)
        assert send(idle, CHECK, "GET").status == 200
        running.process.send_signal(signal.SIGTERM)
        assert idle.recv(1) == b""
        time.sleep(0.5)  # until the time of the drain is running
        running.process.send_signal(signal.SIGSTOP)
        time.sleep(3)  # longer than the drain and the time for the responses
        running.process.send_signal(signal.SIGCONT)
        assert [read(one).code for one in (connection, waiting)] == ["unavailable", "unavailable"]
    assert running.wait() == 0
    assert running.summary == {**running.summary, "received": 2, "failed": 2, "refused_unavailable": 2}
    assert [line for line in running.lines if "level=error" in line] == []


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="the test needs /proc")
def test_exporting_process_is_replaced(running: RunningReceiver, receiver: OTLPReceiver) -> None:
    """When the exporting process is killed, its events are not acknowledged, and the next one starts another."""
    receiver.wait_for_requests(1, timeout=30)
    receiver.reply(Reply(delay=30), Reply())
    with connect(running.port) as connection:
        connection.sendall(raw(request()))
        receiver.wait_for_requests(2, timeout=30)
        os.kill(exporting_process(running.process.pid), signal.SIGKILL)
        assert read(connection).code == "unavailable"
    assert submit(running.port).status == 200


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="the test needs /proc")
@pytest.mark.parametrize("more", [0, 1, 3])
def test_exporting_process_that_cannot_start(running: RunningReceiver, receiver: OTLPReceiver, more: int) -> None:
    """While no exporting process can be started, events are not acknowledged; once one can, they are."""
    receiver.wait_for_requests(1, timeout=30)
    pid = running.process.pid
    with connect(running.port) as connection:
        assert send(connection, raw(request())).status == 200
        os.kill(exporting_process(pid), signal.SIGKILL)
        wait_until(lambda: not exporting_processes(pid), "the exporting process has ended")
        open_files = {int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir()}
        free = next(number for number in itertools.count() if number not in open_files)
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (free + more, before[1]))
        assert send(connection, raw(request())).code == "unavailable"
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        assert send(connection, raw(request())).status == 200
    assert running.stop() == 0


@pytest.mark.timeout(150)
def test_ten_thousand_events_across_a_restart(serve: Callable[..., RunningReceiver], collector: Collector) -> None:
    """Of ten thousand events, sent while the Collector is restarted, every acknowledged one arrives."""
    variables = {**ON, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoints["http/protobuf"]}
    # In Python's development mode, ten thousand events take up to five times the processor time.
    running = serve("--peer-rate", "100000", strict=False, **variables)
    played, arrived = LoadResult(), set[str]()

    def restart() -> None:
        wait_until(lambda: len(played.acknowledged) > 2_000, "2000 events are acknowledged", within=60)
        collector.__exit__()
        arrived.update(sessions_of(collector))
        collector.__enter__()

    with ThreadPoolExecutor(1) as operator:
        restarted = operator.submit(restart)
        asyncio.run(play(running.port, 2_000, 5, played))
        restarted.result()
    assert running.stop() == 0
    arrived.update(sessions_of(collector))
    assert set(played.acknowledged) <= arrived
    assert len(played.acknowledged) + played.refused == 10_000
    assert len(played.acknowledged) > 5_000
