"""Promise 9, bounded: one deadline covers name lookup, connection, TLS, retries, the answer and the shutdown.

Each fault of `support/faults/table.py` is met by a client in a process of its own (`support/faults/client.py`), where
nothing else runs: it measures the duration of each step, waits until its threads and descriptors are as few as before,
and reports what is left over, what was printed and how much memory it used. There a deadline is kept to within
`MARGIN`. Elsewhere `HANG` only distinguishes bounded from endless on a busy machine: without a deadline, a backend that
never answers would block forever, or for the 10 s of the default timeout.

Also: retries after any pause that a backend asks for, many concurrent exports, a shutdown during an export, the end of
the interpreter, a stalled name lookup, and the programs `otel-tbot emit` and `otel-tbot run`.
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
from tests.support.fake_tbot import shell_script
from tests.support.faults.backends import replying
from tests.support.faults.client import Client
from tests.support.faults.delivery import (
    CONSENT,
    EVENT,
    START_ALLOWANCE,
    is_one_line_without_secrets,
    skip_without_ipv6,
    variables,
    wait_for_own_threads,
    without_grpc_log,
)
from tests.support.faults.name_server import silent_name_server
from tests.support.faults.table import FAULTS, LONG, PROTOCOLS, TIMED_OUT_GRPC, Fault, faults_named, time_needed
from tests.support.program import SOURCE, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.faults.backends import Backend, Protocol
    from tests.support.faults.client import Report

HANG = 8  # seconds beyond the timeout after which something counts as hanging
MARGIN = 0.5  # seconds beyond the timeout for a client that runs alone and has loaded everything
TRIES = 10  # attempts: a busy machine delays some of them, a missing deadline delays all
PAUSE = 0.3  # seconds between two attempts
MAX_MEMORY = 32  # MiB; half of a huge answer, and endless ones have no limit

# gRPC sometimes keeps such a connection until the backend ends; the call itself ends in time.
_ENDLESS = faults_named("headers without end", "settings without end")
KEPT_BY_GRPC = {fault for fault in _ENDLESS if fault.protocol == "grpc"}
# gRPC reads endless headers and settings until the call ends, and keeps what it has not yet answered: see limits.md.
UNBOUNDED_ANSWERS = tuple(
    fault
    for fault in FAULTS
    if fault.name.startswith("huge") or (fault.name.endswith("without end") and fault not in KEPT_BY_GRPC)
)
RETRIED_FAULTS = faults_named(
    "status 503",
    "status 429, Retry-After none",
    "status 429, Retry-After a day",
    "status 429, Retry-After a date far in the future",
    "status 503, Retry-After none",
    "status 429, retry info none",
    "status 503, retry info none",
    "status 503, retry info a day",
)
STALLING_FAULTS = faults_named("black hole", "silent", "body dripped", "answer dripped", "TLS handshake stalled")
PROGRAM_FAULTS = faults_named("black hole", "body dripped", "answer dripped")

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
import socket, sys, threading
stalled = threading.Event()
def stall(*_, **__):
    stalled.set()
    threading.Event().wait()
socket.getaddrinfo = stall
import otel_tbot.otlp.http, otel_tbot.records
import opentelemetry.exporter.otlp.proto.http._log_exporter
from otel_tbot import StartEvent, send
outcome = send(StartEvent(run_mode="daemon"), timeout=float(sys.argv[1]))
print(stalled.is_set(), outcome.status, outcome.reason)
"""
SENDS = """
import sys
from otel_tbot import StartEvent, send
outcome = send(StartEvent(run_mode="daemon"), timeout=float(sys.argv[1]))
print(f"{outcome.status}: {outcome.reason}")
"""
LOOKUP_TIMEOUTS = (1.5, 5.0, 15.0)  # seconds; the first ones may be too short on a busy machine to look anything up
LOOKUP_COMMANDS: dict[str, Callable[[float], list[str]]] = {
    "send": lambda timeout: ["-c", SENDS, str(timeout)],
    "emit": lambda timeout: [
        "-m", "otel_tbot", "emit", f"--timeout={timeout}", "--tbot-version", "18.2.3", "tbot", "start",
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """One client for all faults that do not need their own; each delivery begins after the previous one has ended."""
    with Client() as running:
        for warm_up in faults_named("status 400"):
            load(running, warm_up)
        yield running


@pytest.fixture
def new_client() -> Iterator[Client]:
    """A client whose memory no other delivery has increased."""
    with Client() as running:
        yield running


def load(client: Client, warm_up: Fault) -> None:
    """Make the client load everything, which must not be measured later."""
    with warm_up.backend() as backend:
        client.deliver("send", variables(warm_up.protocol, backend), LONG)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
class TestEveryFault:
    """Every fault, in the client process."""

    def test_send(self, fault: Fault, client: Client) -> None:
        """`send` ends in time, prints nothing, and leaves no thread and no descriptor open."""
        skip_without_ipv6(fault.name)
        report = deliver_to(fault, "send", client, fault.timeout)
        assert report.outcome == "failed"
        assert report.total < time_needed(fault.timeout) + MARGIN

    def test_pipeline(self, fault: Fault, client: Client) -> None:
        """Emitting, flushing and shutting down end in time together, and leave no thread and no descriptor open.

        Without logging configured by the host, one line on stderr has the reason.
        """
        skip_without_ipv6(fault.name)
        report = deliver_to(fault, "pipeline", client, fault.timeout)
        assert sorted(report.seconds) == ["emit", "flush", "shutdown"]
        assert report.total < time_needed(fault.timeout) + MARGIN


def deliver_to(fault: Fault, entry_point: str, client: Client, timeout: float) -> Report:
    """Deliver to a fault until it is in time, check what is left over and printed, and return the report."""
    client.printed()  # output that a failed case has not read
    for _ in range(TRIES):
        with fault.backend() as backend:
            report = client.deliver(entry_point, variables(fault.protocol, backend), timeout)
            assert fault in KEPT_BY_GRPC or client.leaked() == []
        assert client.leaked() == []
        assert_nothing_printed_but_ours(fault, entry_point, client)
        if report.total < time_needed(timeout) + MARGIN:
            break
        time.sleep(PAUSE)
    return report


def assert_nothing_printed_but_ours(fault: Fault, entry_point: str, client: Client) -> None:
    """Check the output: `send` prints nothing, and a pipeline one line, which Python's logging prints for us."""
    output, errors = client.printed()
    assert output == ""
    lines = without_grpc_log(errors, fault.protocol)
    assert len(lines) == (1 if entry_point == "pipeline" else 0), errors
    for line in lines:
        prefix, _, reason = line.partition(": ")
        assert prefix == "tbot.start was not delivered"
        assert fault.matches_or_timed_out(reason), line
        assert is_one_line_without_secrets(line)


@pytest.mark.parametrize("fault", UNBOUNDED_ANSWERS, ids=str)
def test_memory(fault: Fault, new_client: Client) -> None:
    """A huge or endless answer is not kept in memory."""
    (warm_up,) = (other for other in faults_named("status 400") if other.protocol == fault.protocol)
    load(new_client, warm_up)
    with fault.backend() as backend:
        report = new_client.deliver("send", variables(fault.protocol, backend), max(fault.timeout, 5.0))
        assert backend.count_connections is not None
        assert backend.count_connections() > 0
    assert report.mebibytes < MAX_MEMORY


@pytest.mark.parametrize("fault", RETRIED_FAULTS, ids=str)
def test_retries(fault: Fault, client: Client) -> None:
    """The deadline is the same, no matter how long a backend asks to wait before the next attempt."""
    timeout = 1.5
    report = deliver_to(fault, "send", client, timeout)
    assert report.outcome == "failed"
    assert report.total < timeout + MARGIN


@pytest.mark.parametrize("fault", STALLING_FAULTS, ids=str)
class TestConcurrentExports:
    """Concurrent exports do not wait for each other's deadlines."""

    # Sequentially they would take 9.6 s, which counts as hanging.
    exports = 12
    timeout = 0.8

    def test_send(self, fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
        """Concurrent calls of `send` end in time."""
        with fault.backend() as backend:
            for name, value in variables(fault.protocol, backend).items():
                monkeypatch.setenv(name, value)
            began = time.monotonic()
            with ThreadPoolExecutor(self.exports) as threads:
                outcomes = list(threads.map(lambda _: send(EVENT, timeout=self.timeout), range(self.exports)))
            seconds = time.monotonic() - began
            wait_for_own_threads()
        assert {outcome.status for outcome in outcomes} == {"failed"}
        assert seconds < self.timeout + HANG

    def test_one_exporter(self, fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
        """Concurrent exports of one exporter, and its shutdown, end in time."""
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
            wait_for_own_threads()
        assert {result.name for result in results} == {"FAILURE"}
        assert seconds < self.timeout + HANG


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_shutdown_ends_an_export(protocol: Protocol, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shutdown during an export ends both, and the event is not sent again."""
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


@pytest.mark.parametrize("entry_point", ["send", "pipeline"])
@pytest.mark.parametrize("fault", faults_named("silent", "silent after the request", "silent after the call"), ids=str)
def test_export_at_interpreter_exit(fault: Fault, entry_point: str) -> None:
    """An export at the exit of the interpreter delays the exit no longer than its timeout."""
    for timeout in (0.8, 3.0, 9.0):  # seconds; the first ones may be too short on a busy machine to connect
        with fault.backend() as backend:
            environ = {**variables(fault.protocol, backend), "OTEL_EXPORTER_OTLP_TIMEOUT": str(timeout)}
            ended = run_script(EXPORTS_AT_EXIT, entry_point, environ=environ, within=timeout + START_ALLOWANCE + HANG)
            assert backend.count_connections is not None
            connected = backend.count_connections() > 0
        assert ended.returncode == 0
        assert ended.stdout == ("failed\n" if entry_point == "send" else "")
        lines = without_grpc_log(ended.stderr, fault.protocol)
        assert len(lines) == (1 if entry_point == "pipeline" else 0), ended.stderr
        if connected:
            return
    pytest.fail("the backend was not reached")


def test_stalled_name_lookup() -> None:
    """A hanging resolver delays neither the caller nor the end of the process. This is the only simulated fault.

    It covers systems where `test_silent_name_server` is not possible.
    """
    environ = {**CONSENT, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://backend.invalid:4318"}
    for timeout in LOOKUP_TIMEOUTS:
        within = timeout + START_ALLOWANCE + HANG
        ended = run_script(STALLS_IN_LOOKUP, str(timeout), environ=environ, within=within)
        if ended.stdout.startswith("True"):
            break
    line = f"True failed the backend did not accept it within {timeout:g} s\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, line, "")


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("entry_point", ["send", "emit"])
def test_silent_name_server(protocol: Protocol, entry_point: str, tmp_path: Path) -> None:
    """A name server that never answers delays neither the delivery nor the end of the process.

    Over gRPC this tests its own resolver, which cannot be replaced from Python.
    """
    log = tmp_path / "asked"
    prefix = silent_name_server(log)
    if prefix is None:
        pytest.skip("the system allows no separate network for one process")
    environ = {**CONSENT, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://backend.test"}
    for timeout in LOOKUP_TIMEOUTS:
        command = [*prefix, sys.executable, *LOOKUP_COMMANDS[entry_point](timeout)]
        ended = run_command(command, environ=environ, within=timeout + START_ALLOWANCE + HANG)
        if b"backend" in log.read_bytes():
            break
    else:
        pytest.fail("nothing was looked up")
    lines, silent = (ended.stdout, ended.stderr) if entry_point == "send" else (ended.stderr, ended.stdout)
    assert (ended.returncode, silent) == (0 if entry_point == "send" else 1, "")
    assert re.fullmatch(f".*: ({TIMED_OUT_GRPC})\n", lines), lines


def run_script(
    script: str, *arguments: str, environ: dict[str, str], within: float
) -> subprocess.CompletedProcess[str]:
    """Run a script, which has to end within `within` seconds."""
    return run_command([sys.executable, "-c", script, *arguments], environ=environ, within=within)


def run_command(command: list[str], *, environ: dict[str, str], within: float) -> subprocess.CompletedProcess[str]:
    """Run a command, which has to end within `within` seconds."""
    return subprocess.run(
        command,
        env={"PYTHONPATH": str(SOURCE), **environ},
        capture_output=True,
        text=True,
        timeout=within,
        check=False,
    )


@pytest.mark.parametrize("fault", PROGRAM_FAULTS, ids=str)
class TestPrograms:
    """The commands, whose start comes on top of the timeout."""

    timeout = 1.0
    options = ("--timeout", str(timeout), "--tbot-version", "18.2.3")

    @staticmethod
    def environ(protocol: Protocol, backend: Backend) -> dict[str, str]:
        """Return the variables, with a much longer timeout than the option, which takes precedence."""
        return {**variables(protocol, backend), "OTEL_EXPORTER_OTLP_TIMEOUT": "300"}

    def test_emit(self, fault: Fault) -> None:
        """`otel-tbot emit` ends in time, with status 1."""
        with fault.backend() as backend:
            began = time.monotonic()
            ended = run("emit", *self.options, "tbot", "start", environ=self.environ(fault.protocol, backend))
            seconds = time.monotonic() - began
        assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
        assert seconds < self.timeout + START_ALLOWANCE + HANG

    def test_run(self, fault: Fault, tmp_path: Path) -> None:
        """The sender of `otel-tbot run` ends in time, and so does the supervisor that waits for it after tbot's end."""
        tbot = shell_script(tmp_path, "exit 7")
        with fault.backend() as backend:
            environ = self.environ(fault.protocol, backend)
            began = time.monotonic()
            with start("on", tbot, *self.options, environ=environ) as on:
                with start("supervised", tbot, *self.options, environ=environ) as supervised:
                    assert (on.finish()[0], supervised.finish()[0]) == (7, 7)
                    supervised.wait_until_alone()
                on.wait_until_alone()
            assert time.monotonic() - began < self.timeout + START_ALLOWANCE + HANG
