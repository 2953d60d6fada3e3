"""Promise 8, an honest outcome: sent means that the backend accepted it, and everything else is reported as a failure.

Each row of the table in `faults.py` is a backend with one fault, a real server on loopback. The headers that it wants,
its address and its answers hold secrets. The event is sent to it in each way that a user has:

- `send` says failed, with the one reason that the table has for this fault: one line, without a secret in it;
- a pipeline in code raises nothing, and logs one line of ours with that reason, and no one else's;
- `otel-tbot emit` ends with status 1, in time, and says so in one line on stderr, with nothing on stdout;
- `otel-tbot run` adds its notice, and no more, to what tbot prints, and ends as tbot does.

A redirect must reach no one, least of all where it leads. The counterpart is the table of backends that accept: each of
them tells by its own count that the event arrived, and was accepted exactly once.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from otel_tbot import AnonymousLogExporter, AnonymousSpanExporter, Outcome, consent, emit, emit_span, send
from otel_tbot.opt_in import OPT_IN
from tests.integration.launcher.processes import RunningProcess, start
from tests.promises.faults import ACCEPTANCES, FAULTS, LONG, AcceptedCase, Fault, named, needed
from tests.promises.faults_deliveries import (
    EVENT,
    START,
    bystander_is_untouched,
    is_one_plain_line,
    need_ipv6,
    variables,
    wait_for_our_threads,
)
from tests.support.fake_tbot import shell_script
from tests.support.program import SOURCE, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from otel_tbot.testing import OTLPReceiver
    from tests.promises.faults_backends import Backend

# Of each kind one, for the ways that take a process each.
OF_EACH_KIND = (
    "refused",
    "refused over IPv6",
    "black hole",
    "unknown name",
    "silent",
    "closed without an answer",
    "redirect 307",
    "status 401",
    "status 404",
    "status 413",
    "status 429",
    "status 503",
    "rejected",
    "garbage in the body",
    "garbage in the message",
    "certificate signed by itself",
    "certificate expired",
    "certificate for another name",
    "client certificate missing",
    "TLS handshake stalled",
)
EMITTED = named(
    *OF_EACH_KIND,
    "reset in the headers",
    "reset in the answer",
    "body dripped",
    "answer dripped",
    "huge body",
    "huge answer",
    "plain text in place of TLS",
)
RUN_BESIDE = named(*OF_EACH_KIND)
ACCEPTED = tuple(case for case in ACCEPTANCES if case.name in {"at once", "over IPv6", "with a warning"})
# Seconds, in turn. The first is no more than the exporters' first pause; on a busy machine it may be too short for a
# process to load everything and meet its fault.
PROCESS_TIMEOUTS = (0.8, 3.0, 9.0)
TBOTS_STATUS = 7
TBOT = f"echo 'a line of tbot'; echo 'an error of tbot' >&2; exit {TBOTS_STATUS}"
NOTICE = "otel-tbot: reporting this start of tbot anonymously because TELEPORT_ANONYMOUS_TELEMETRY is 1"


@contextmanager
def running(case: Fault | AcceptedCase, monkeypatch: pytest.MonkeyPatch | None = None) -> Iterator[Backend]:
    """Run the backend of a case, and where `monkeypatch` is given, make this process its client."""
    need_ipv6(case.name)
    with case.backend() as backend:
        if monkeypatch:
            for name, value in variables(case.protocol, backend).items():
                monkeypatch.setenv(name, value)
        yield backend
        wait_for_our_threads()


def timeouts(fault: Fault) -> tuple[float, ...]:
    """Return the timeouts with which a process is to meet a fault: if not with the first, then with another."""
    return (LONG,) if fault.timeout == LONG else PROCESS_TIMEOUTS


def is_met(backend: Backend) -> bool:
    """Tell whether the client has come to the backend, where that can be seen: no one sees what a closed port does."""
    return backend.came is None or backend.came() > 0


def into_a_pipeline(signal: str, timeout: float) -> None:
    """Emit the event into a pipeline of the user's that ends in our exporter, then flush and close it."""
    provider: Any
    if signal == "logs":
        provider = LoggerProvider(shutdown_on_exit=False)
        provider.add_log_record_processor(SimpleLogRecordProcessor(AnonymousLogExporter(timeout=timeout)))
        emit(EVENT, logger_provider=provider)
    else:
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(AnonymousSpanExporter(timeout=timeout)))
        emit_span(EVENT, tracer_provider=provider)
    provider.force_flush()
    provider.shutdown()


def assert_accepted_once(case: AcceptedCase, backend: Backend) -> None:
    """Look at the backend's own count: the refused requests and one more arrived, all with the same event."""
    assert backend.receiver is not None
    requests = backend.receiver.requests
    assert len(requests) == case.refusals + 1
    assert all(request.message == requests[0].message for request in requests)
    assert all(len(request.log_records) + len(request.spans) == 1 for request in requests)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
class TestFaults:
    """Every fault, within this process."""

    def test_send(self, fault: Fault, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        """`send` says that it failed and why, in one line without a secret, and logs nothing."""
        with running(fault, monkeypatch) as backend:
            outcome = send(EVENT, timeout=fault.timeout)
            assert outcome.status == "failed"
            assert fault.is_told_by(outcome.reason), outcome.reason
            assert is_one_plain_line(outcome.reason)
            assert bystander_is_untouched(backend)
            assert is_met(backend), "the fault was not met"
        assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []

    @pytest.mark.parametrize("signal", ["logs", "traces"])
    def test_pipeline(
        self, fault: Fault, signal: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A pipeline raises nothing; one line of ours says what failed and why, and no line is anybody else's."""
        with running(fault, monkeypatch) as backend:
            into_a_pipeline(signal, fault.timeout)
            assert bystander_is_untouched(backend)
        (said,) = (record for record in caplog.records if record.levelno >= logging.WARNING)
        assert said.name == "otel_tbot"
        beginning, _, reason = said.getMessage().partition(": ")
        assert beginning == "tbot.start was not delivered"
        assert fault.is_told_by(reason), reason
        assert is_one_plain_line(reason)


@pytest.mark.parametrize("case", ACCEPTANCES, ids=str)
class TestAcceptances:
    """Whatever a backend that accepts looks like, within this process."""

    def test_send(self, case: AcceptedCase, monkeypatch: pytest.MonkeyPatch) -> None:
        """`send` says sent, and the backend has accepted the event exactly once."""
        with running(case, monkeypatch) as backend:
            assert send(EVENT, timeout=LONG) == Outcome(status="sent")
            assert_accepted_once(case, backend)

    @pytest.mark.parametrize("signal", ["logs", "traces"])
    def test_pipeline(
        self, case: AcceptedCase, signal: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A pipeline delivers the event exactly once, and nothing is logged: not even what went wrong on the way."""
        with running(case, monkeypatch) as backend:
            into_a_pipeline(signal, LONG)
            assert_accepted_once(case, backend)
        assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


class TestEmit:
    """`otel-tbot emit`, as a process."""

    @pytest.mark.parametrize("fault", EMITTED, ids=str)
    def test_fault(self, fault: Fault) -> None:
        """A failure is status 1 and, in time, one line on stderr that ends with the reason; stdout stays empty."""
        for timeout in timeouts(fault):
            with running(fault) as backend:
                began = time.monotonic()
                options = ("--tbot-version", "18.2.3", "--timeout", str(timeout))
                ended = run("emit", *options, "tbot", "start", environ=variables(fault.protocol, backend))
                assert time.monotonic() - began < needed(timeout) + START
                assert bystander_is_untouched(backend)
                met = is_met(backend)
            assert (ended.returncode, ended.stdout) == (1, "")
            (line,) = ended.stderr.splitlines()
            assert line.startswith("otel-tbot: tbot.start not delivered to ")
            assert is_one_plain_line(line)
            reason = line.removeprefix("otel-tbot: tbot.start not delivered to ").partition(": ")[2]
            assert fault.may_be_told_by(reason), line
            if met and fault.is_told_by(reason):
                return
        pytest.fail(f"the fault was not met, or not told: {line}")

    @pytest.mark.parametrize("case", ACCEPTED, ids=str)
    def test_acceptance(self, case: AcceptedCase) -> None:
        """A success is status 0 and one line on stderr, and the backend has accepted the event exactly once."""
        with running(case) as backend:
            environ = variables(case.protocol, backend)
            ended = run("emit", "--tbot-version", "18.2.3", "tbot", "start", environ=environ)
            assert_accepted_once(case, backend)
        assert (ended.returncode, ended.stdout) == (0, "")
        (line,) = ended.stderr.splitlines()
        assert line.startswith("otel-tbot: tbot.start sent to ")
        assert is_one_plain_line(line)


class TestRun:
    """`otel-tbot run`, as a process: whatever becomes of the event, tbot's output does not tell."""

    @pytest.mark.parametrize("fault", RUN_BESIDE, ids=str)
    def test_fault(self, fault: Fault, tmp_path: Path) -> None:
        """A failure changes neither tbot's exit status nor what it prints, except for the notice."""
        tbot = shell_script(tmp_path, TBOT)
        for timeout in timeouts(fault):
            with ExitStack() as stack:
                backends, processes = [], []
                for way in ("on", "supervised"):
                    backends.append(stack.enter_context(running(fault)))
                    environ = variables(fault.protocol, backends[-1])
                    processes.append(stack.enter_context(started(way, tbot, timeout, environ)))
                assert_is_tbots_own(*processes, timeout=timeout)
                assert all(map(bystander_is_untouched, backends))
                if all(map(is_met, backends)):
                    return
        pytest.fail("the fault was not met")

    @pytest.mark.parametrize("way", ["on", "supervised"])
    @pytest.mark.parametrize("case", ACCEPTED, ids=str)
    def test_acceptance(self, case: AcceptedCase, way: str, tmp_path: Path) -> None:
        """A success looks the same, and the backend has accepted the event exactly once."""
        tbot = shell_script(tmp_path, TBOT)
        with running(case) as backend:
            with started(way, tbot, LONG, variables(case.protocol, backend)) as one:
                assert_is_tbots_own(one, timeout=LONG)
            assert_accepted_once(case, backend)


def started(way: str, tbot: Path, timeout: float, environ: dict[str, str]) -> RunningProcess:
    """Start tbot in a way, with so much time for its sender."""
    return start(way, tbot, "--tbot-version", "18.2.3", "--timeout", str(timeout), environ=environ)


def assert_is_tbots_own(*processes: RunningProcess, timeout: float) -> None:
    """Look at how tbot ends and what is printed; then wait until the senders, too, have ended, in time."""
    for one in processes:
        status, output, errors = one.finish()
        assert (status, output) == (TBOTS_STATUS, "a line of tbot\n")
        # Under supervision the notice comes while tbot already runs, so that it may stand on either side.
        tbots, ours = sorted(errors.splitlines())
        assert tbots == "an error of tbot"
        assert ours.startswith(NOTICE)
        assert is_one_plain_line(ours)
    for one in processes:
        one.wait_until_alone(within=timeout + START)


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
@pytest.mark.parametrize(
    ("answer", "outcome", "events"),
    [("1", "sent \n", 1), ("true", f"off {consent({OPT_IN: 'true'}).reason}\n", 0)],
)
def test_from_a_subinterpreter(receiver: OTLPReceiver, protocol: str, answer: str, outcome: str, events: int) -> None:
    """Another interpreter in the same process is reported the same, and ends well."""
    endpoint = receiver.grpc_endpoint if protocol == "grpc" else receiver.http_endpoint
    environ = {OPT_IN: answer, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol}
    ended = subprocess.run(
        [sys.executable, "-m", "tests.promises.subinterpreter"], env={"PYTHONPATH": str(SOURCE), **environ},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, outcome, "")
    assert len(receiver.log_records) == events
