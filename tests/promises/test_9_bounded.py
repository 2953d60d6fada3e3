"""Promise 9, bounded: one deadline covers name lookup, connection, TLS, retries, the answer and the shutdown.

Each row of the table in `faults.py` is met by a client in a process of its own (`faults_client.py`), where nothing else
runs: it measures how long each step takes, waits until its threads and descriptors are as few as before, and tells what
is left, what was printed and how much memory it took. There a deadline is kept to within `MARGIN`. Elsewhere `HANG`
tells bounded from endless on the busiest machine, and nothing more: a backend that never answers, met without a
deadline, would last forever, or for the 10 s of the default timeout.

Beside it: retries however long a backend asks to wait, many exports at once, a shutdown in the middle of an export, the
end of the interpreter, a stalled name lookup, and the programs `otel-tbot emit` and `otel-tbot run`.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from otel_tbot import AnonymousLogExporter, Session, send
from otel_tbot.event import validate_attributes
from otel_tbot.records import build_log_record, build_resource
from otel_tbot.testing import Reply
from tests.integration.launcher.processes import start
from tests.promises.faults import FAULTS, LATE_GRPC, LONG, PROTOCOLS, SHORT, Fault, named, needed
from tests.promises.faults_backends import replying
from tests.promises.faults_client import Client
from tests.promises.faults_deliveries import (
    CONSENT,
    EVENT,
    START,
    is_one_plain_line,
    need_ipv6,
    variables,
    wait_for_our_threads,
)
from tests.promises.faults_printed import lines_of_python
from tests.promises.faults_resolver import unanswered
from tests.support.fake_tbot import shell_script
from tests.support.program import SOURCE, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.promises.faults_backends import Backend, Protocol
    from tests.promises.faults_client import Report

HANG = 8  # seconds beyond the timeout after which something hangs
MARGIN = 0.5  # seconds beyond the timeout in which a client that is alone, and has loaded everything, is done
TRIES = 3  # what is late because the machine is busy is in time at one of these; what waits too long is late each time
MOST_MEMORY = 32  # MiB; half of what a huge answer holds, and an endless one knows no limit

# gRPC itself keeps such a connection, sometimes, until the backend ends: the call is over in time all the same.
_ENDLESS = named("headers without end", "settings without end")
ENDED_BY_THE_BACKEND = {fault for fault in _ENDLESS if fault.protocol == "grpc"}
VORACIOUS = tuple(fault for fault in FAULTS if fault.name.startswith("huge") or fault.name.endswith("without end"))
RETRIED = named(
    "status 503",
    "status 429, Retry-After none",
    "status 429, Retry-After a day",
    "status 429, Retry-After a date far ahead",
    "status 503, Retry-After none",
    "status 429, retry info none",
    "status 503, retry info none",
    "status 503, retry info a day",
)
STALLING = named("black hole", "silent", "body dripped", "answer dripped", "TLS handshake stalled")
FOR_PROGRAMS = named("black hole", "body dripped", "answer dripped")

EXPORTS_AT_EXIT = """
import atexit, sys
import otel_tbot.otlp.grpc, otel_tbot.otlp.http
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from otel_tbot import AnonymousLogExporter, StartEvent, emit, send
event = StartEvent(run_mode="daemon")
if sys.argv[1] == "send":
    atexit.register(lambda: print(send(event).status))
else:
    provider = LoggerProvider()
    provider.add_log_record_processor(BatchLogRecordProcessor(AnonymousLogExporter()))
    emit(event, logger_provider=provider)
"""
STALLS_IN_LOOKUP = """
import socket, threading
stalled = threading.Event()
def stall(*_, **__):
    stalled.set()
    threading.Event().wait()
socket.getaddrinfo = stall
from otel_tbot import StartEvent, send
outcome = send(StartEvent(run_mode="daemon"), timeout=1.5)
print(stalled.is_set(), outcome.status, outcome.reason)
"""
SENDS = """
from otel_tbot import StartEvent, send
outcome = send(StartEvent(run_mode="daemon"), timeout=1.5)
print(f"{outcome.status}: {outcome.reason}")
"""
LOOKS_UP = {
    "send": ["-c", SENDS],
    "emit": ["-m", "otel_tbot", "emit", "--timeout", "1.5", "--tbot-version", "18.2.3", "tbot", "start"],
}


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """Run one client for all faults that need none of their own: each order begins where the last one has ended."""
    with Client() as running:
        for harmless in named("status 400"):
            load(running, harmless)
        yield running


@pytest.fixture
def fresh_client() -> Iterator[Client]:
    """Run a client whose memory no other order has grown."""
    with Client() as running:
        yield running


def load(client: Client, harmless: Fault) -> None:
    """Have the client load everything, which is not to be measured later."""
    with harmless.backend() as backend:
        client.order("send", variables(harmless.protocol, backend), LONG)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
class TestEveryFault:
    """Every fault, in a client's process."""

    def test_send(self, fault: Fault, client: Client) -> None:
        """`send` is over in time and prints nothing, and then nothing of it is left: no thread, no descriptor."""
        need_ipv6(fault.name)
        report = meet(fault, "send", client, fault.timeout)
        assert report.outcome == "failed"
        assert report.total < needed(fault.timeout) + MARGIN

    def test_pipeline(self, fault: Fault, client: Client) -> None:
        """Emitting, flushing and shutting down are over in time, all together, and then nothing of it is left.

        Where the host configured no logging, one line on stderr tells the reason.
        """
        need_ipv6(fault.name)
        report = meet(fault, "pipeline", client, fault.timeout)
        assert sorted(report.seconds) == ["emit", "flush", "shutdown"]
        assert report.total < needed(fault.timeout) + MARGIN


def meet(fault: Fault, way: str, client: Client, timeout: float) -> Report:
    """Have the client meet a fault; look at what is left and printed, and return when it was over, at best."""
    client.printed()  # what a case before this one, that failed, has left unread
    for _ in range(TRIES):
        with fault.backend() as backend:
            report = client.order(way, variables(fault.protocol, backend), timeout)
            assert fault in ENDED_BY_THE_BACKEND or client.left() == []
        assert client.left() == []
        assert_nothing_printed_but_ours(fault, way, client)
        if report.total < needed(timeout) + MARGIN:
            break
    return report


def assert_nothing_printed_but_ours(fault: Fault, way: str, client: Client) -> None:
    """Look at stdout and stderr: `send` prints nothing, and a pipeline the line that Python's logging makes of ours."""
    output, errors = client.printed()
    assert output == ""
    said = lines_of_python(errors, fault.protocol)
    assert len(said) == (1 if way == "pipeline" else 0), errors
    for line in said:
        beginning, _, reason = line.partition(": ")
        assert beginning == "tbot.start was not delivered"
        assert fault.may_be_told_by(reason), line
        assert is_one_plain_line(line)


@pytest.mark.parametrize("fault", VORACIOUS, ids=str)
def test_memory(fault: Fault, fresh_client: Client) -> None:
    """An answer that is huge, or has no end, is not kept."""
    (harmless,) = (other for other in named("status 400") if other.protocol == fault.protocol)
    load(fresh_client, harmless)
    with fault.backend() as backend:
        report = fresh_client.order("send", variables(fault.protocol, backend), max(fault.timeout, SHORT))
        assert backend.came is not None
        assert backend.came() > 0
    assert report.mebibytes < MOST_MEMORY


@pytest.mark.parametrize("fault", RETRIED, ids=str)
def test_retries(fault: Fault, client: Client) -> None:
    """However long, or short, a backend asks to wait before the next attempt: the deadline stays where it is."""
    timeout = 1.5
    report = meet(fault, "send", client, timeout)
    assert report.outcome == "failed"
    assert report.total < timeout + MARGIN


@pytest.mark.parametrize("fault", STALLING, ids=str)
class TestAtOnce:
    """Many exports at once do not wait for each other's deadlines."""

    # One after the other they would take 9.6 s, which is more than what tells a hang.
    exports = 12
    timeout = 0.8

    def test_send(self, fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
        """By `send`, from many threads."""
        with fault.backend() as backend:
            for name, value in variables(fault.protocol, backend).items():
                monkeypatch.setenv(name, value)
            began = time.monotonic()
            with ThreadPoolExecutor(self.exports) as threads:
                outcomes = list(threads.map(lambda _: send(EVENT, timeout=self.timeout), range(self.exports)))
            seconds = time.monotonic() - began
            wait_for_our_threads()
        assert {outcome.status for outcome in outcomes} == {"failed"}
        assert seconds < self.timeout + HANG

    def test_one_exporter(self, fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
        """By one exporter, from many threads, and then its shutdown."""
        item = build_log_record(validate_attributes(EVENT.attributes), build_resource(Session()), timestamp_ns=10**9)
        with fault.backend() as backend:
            for name, value in variables(fault.protocol, backend).items():
                monkeypatch.setenv(name, value)
            exporter = AnonymousLogExporter(timeout=self.timeout)
            began = time.monotonic()
            with ThreadPoolExecutor(self.exports) as threads:
                results = list(threads.map(lambda _: exporter.export([item]), range(self.exports)))
            exporter.shutdown()
            seconds = time.monotonic() - began
            wait_for_our_threads()
        assert {result.name for result in results} == {"FAILURE"}
        assert seconds < self.timeout + HANG


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_shutdown_ends_an_export(protocol: Protocol, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shutdown while an export waits for its answer ends both, and the event is not sent again."""
    item = build_log_record(validate_attributes(EVENT.attributes), build_resource(Session()), timestamp_ns=10**9)
    with replying(Reply(delay=600))(protocol) as backend, ThreadPoolExecutor(1) as thread:
        for name, value in variables(protocol, backend).items():
            monkeypatch.setenv(name, value)
        exporter = AnonymousLogExporter(timeout=3 * LONG)
        exporting = thread.submit(exporter.export, [item])
        assert backend.receiver is not None
        backend.receiver.wait_for_requests(1, timeout=LONG)
        began = time.monotonic()
        exporter.shutdown()
        assert exporting.result(timeout=LONG).name == "FAILURE"
        assert time.monotonic() - began < HANG
        assert len(backend.receiver.requests) == 1


@pytest.mark.parametrize("way", ["send", "pipeline"])
@pytest.mark.parametrize("fault", named("silent", "silent after the request", "silent after the call"), ids=str)
def test_end_of_the_interpreter(fault: Fault, way: str) -> None:
    """What is exported at the very end of a process holds that end up no longer than the timeout."""
    timeout = 2.0
    with fault.backend() as backend:
        environ = {**variables(fault.protocol, backend), "OTEL_EXPORTER_OTLP_TIMEOUT": str(timeout)}
        ended = program(EXPORTS_AT_EXIT, way, environ=environ, within=timeout + START + HANG)
        assert backend.came is not None
        assert backend.came() > 0
    assert ended.returncode == 0
    assert ended.stdout == ("failed\n" if way == "send" else "")
    assert len(lines_of_python(ended.stderr, fault.protocol)) == (1 if way == "pipeline" else 0), ended.stderr


def test_stalled_name_lookup() -> None:
    """A resolver that hangs holds up neither the caller nor the end of the process. It is the one fault that is faked.

    It tells the same as a real one where the system allows no name server of our own.
    """
    environ = {**CONSENT, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://backend.invalid:4318"}
    ended = program(STALLS_IN_LOOKUP, environ=environ, within=1.5 + START + HANG)
    said = "True failed the backend did not accept it within 1.5 s\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, said, "")


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("way", ["send", "emit"])
def test_silent_name_server(protocol: Protocol, way: str, tmp_path: Path) -> None:
    """A name server that never answers holds up neither the delivery nor the end of the process.

    Over gRPC that is for its own resolver, which cannot be replaced from Python.
    """
    log = tmp_path / "asked"
    beginning = unanswered(log)
    if beginning is None:
        pytest.skip("the system allows no network of its own for one process")
    environ = {**CONSENT, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://backend.test"}
    command = [*beginning, sys.executable, *LOOKS_UP[way]]
    began = time.monotonic()
    ended = started(command, environ=environ, within=1.5 + START + HANG)
    assert time.monotonic() - began < 1.5 + START
    assert b"backend" in log.read_bytes(), "nothing was looked up"
    said, silent = (ended.stdout, ended.stderr) if way == "send" else (ended.stderr, ended.stdout)
    assert (ended.returncode, silent) == (0 if way == "send" else 1, "")
    assert re.fullmatch(f".*: ({LATE_GRPC})\n", said), said


def program(script: str, *arguments: str, environ: dict[str, str], within: float) -> subprocess.CompletedProcess[str]:
    """Run a script to its end, which has to come within this many seconds."""
    return started([sys.executable, "-c", script, *arguments], environ=environ, within=within)


def started(command: list[str], *, environ: dict[str, str], within: float) -> subprocess.CompletedProcess[str]:
    """Do the same with a command line."""
    return subprocess.run(
        command,
        env={"PYTHONPATH": str(SOURCE), **environ},
        capture_output=True,
        text=True,
        timeout=within,
        check=False,
    )


@pytest.mark.parametrize("fault", FOR_PROGRAMS, ids=str)
class TestPrograms:
    """The programs, whose start comes on top of the timeout."""

    timeout = 1.0
    options = ("--timeout", str(timeout), "--tbot-version", "18.2.3")

    @staticmethod
    def environ(protocol: Protocol, backend: Backend) -> dict[str, str]:
        """Return the variables, with a far longer timeout than the option's, which has to stand before it."""
        return {**variables(protocol, backend), "OTEL_EXPORTER_OTLP_TIMEOUT": "600"}

    def test_emit(self, fault: Fault) -> None:
        """`otel-tbot emit` ends in time, with status 1."""
        with fault.backend() as backend:
            began = time.monotonic()
            ended = run("emit", *self.options, "tbot", "start", environ=self.environ(fault.protocol, backend))
            seconds = time.monotonic() - began
        assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
        assert seconds < self.timeout + START + HANG

    def test_run(self, fault: Fault, tmp_path: Path) -> None:
        """All that `otel-tbot run` starts ends in time, and so does the wait for it after tbot's end."""
        tbot = shell_script(tmp_path, "exit 7")
        with fault.backend() as backend:
            environ = self.environ(fault.protocol, backend)
            began = time.monotonic()
            with start("on", tbot, *self.options, environ=environ) as on:
                with start("supervised", tbot, *self.options, environ=environ) as supervised:
                    assert (on.finish()[0], supervised.finish()[0]) == (7, 7)
                    supervised.wait_until_alone()
                on.wait_until_alone()
            assert time.monotonic() - began < self.timeout + START + HANG
