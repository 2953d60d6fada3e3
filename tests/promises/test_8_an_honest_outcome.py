"""Promise 8, an honest outcome: sent means that the backend accepted it, and everything else is reported as a failure.

Each row of `support/faults/table.py` is a backend with one fault, a real server on loopback. Its headers, its address
and its answers contain secrets. The event is sent to it by everything that a user can call:

- `send` returns failed with the one reason that the table has for this fault, in one line without a secret;
- a pipeline in code raises nothing, and logs one line of ours with that reason, and no other line;
- `otel-tbot emit` ends with status 1, in time, and prints one line on stderr and nothing on stdout;
- `otel-tbot run` adds only its notice to the output of tbot, and ends like tbot.

The target of a redirect must receive nothing. The counterpart is the table of backends that accept: each of them
confirms by its own count that the event was accepted exactly once.
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
from tests.support.fake_tbot import shell_script
from tests.support.faults.acceptances import ACCEPTANCES, AcceptedCase
from tests.support.faults.delivery import (
    EVENT,
    START_ALLOWANCE,
    is_one_line_without_secrets,
    redirect_target_is_untouched,
    skip_without_ipv6,
    variables,
    wait_for_own_threads,
)
from tests.support.faults.table import FAULTS, LONG, Fault, faults_named, time_needed
from tests.support.otlp_environment import otlp_variables
from tests.support.program import SOURCE, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from otel_tbot.testing import OTLPReceiver
    from tests.support.faults.backends import Backend

# One fault of each kind, for the commands, which need a process each.
ONE_OF_EACH_KIND = (
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
    "self-signed certificate",
    "certificate expired",
    "certificate for another name",
    "client certificate missing",
    "TLS handshake stalled",
)
EMIT_FAULTS = faults_named(
    *ONE_OF_EACH_KIND,
    "reset in the headers",
    "reset in the answer",
    "body dripped",
    "answer dripped",
    "huge body",
    "huge answer",
    "plain text in place of TLS",
)
RUN_FAULTS = faults_named(*ONE_OF_EACH_KIND)
ACCEPTED_OVER_NETWORK = tuple(case for case in ACCEPTANCES if case.name in {"at once", "over IPv6", "with a warning"})
# Seconds. The first timeout is no longer than the exporters' first pause; on a busy machine it may be too short to load
# everything and reach the fault.
FIRST_TIMEOUT_OF_A_PROCESS = 0.8
LATER_TIMEOUTS = (3.0, 9.0)
TBOT_STATUS = 7
TBOT = f"echo 'a line of tbot'; echo 'an error of tbot' >&2; exit {TBOT_STATUS}"
NOTICE = "otel-tbot: reporting this start of tbot anonymously because TELEPORT_ANONYMOUS_TELEMETRY is 1"
NOT_REPORTED = "otel-tbot: this start of tbot was not reported: "


@contextmanager
def running(case: Fault | AcceptedCase, monkeypatch: pytest.MonkeyPatch | None = None) -> Iterator[Backend]:
    """Run the backend of a case; if `monkeypatch` is given, point this process's variables to it."""
    skip_without_ipv6(case.name)
    with case.backend() as backend:
        if monkeypatch:
            for name, value in variables(case.protocol, backend).items():
                monkeypatch.setenv(name, value)
        yield backend
        wait_for_own_threads()


def timeouts(fault: Fault, first: float) -> tuple[float, ...]:
    """Return the timeouts with which a fault should be reached, tried in this order."""
    return (LONG,) if fault.timeout == LONG else (first, *LATER_TIMEOUTS)


def was_reached(backend: Backend) -> bool:
    """Return whether the client has reached the backend; True where that cannot be seen, as with a closed port."""
    return backend.count_connections is None or backend.count_connections() > 0


def emit_into_pipeline(signal: str, timeout: float) -> None:
    """Emit the event into a pipeline that ends in our exporter, then flush and close it."""
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
    """Check the backend's own count: the refused requests and one more arrived, all with the same event."""
    assert backend.receiver is not None
    requests = backend.receiver.requests
    assert len(requests) == case.refusals + 1
    assert all(request.message == requests[0].message for request in requests)
    assert all(len(request.log_records) + len(request.spans) == 1 for request in requests)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
class TestFaults:
    """Every fault, within this process."""

    def test_send(self, fault: Fault, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        """`send` returns failed with the reason in one line without a secret, and logs nothing."""
        for timeout in timeouts(fault, fault.timeout):
            with running(fault, monkeypatch) as backend:
                outcome = send(EVENT, timeout=timeout)
                assert outcome.status == "failed"
                assert fault.matches_or_timed_out(outcome.reason), outcome.reason
                assert is_one_line_without_secrets(outcome.reason)
                assert redirect_target_is_untouched(backend)
                reached = was_reached(backend)
            assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
            if reached and fault.matches(outcome.reason):
                return
        pytest.fail(f"the fault was not met, or not reported: {outcome.reason}")

    @pytest.mark.parametrize("signal", ["logs", "traces"])
    def test_pipeline(
        self, fault: Fault, signal: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A pipeline raises nothing and logs one line of ours with the reason, and no other line."""
        for timeout in timeouts(fault, fault.timeout):
            caplog.clear()
            with running(fault, monkeypatch) as backend:
                emit_into_pipeline(signal, timeout)
                assert redirect_target_is_untouched(backend)
            (warning,) = (record for record in caplog.records if record.levelno >= logging.WARNING)
            assert warning.name == "otel_tbot"
            beginning, _, reason = warning.getMessage().partition(": ")
            assert beginning == "tbot.start was not delivered"
            assert fault.matches_or_timed_out(reason), reason
            assert is_one_line_without_secrets(reason)
            if fault.matches(reason):
                return
        pytest.fail(f"the fault was not reported: {reason}")


@pytest.mark.parametrize("case", ACCEPTANCES, ids=str)
class TestAcceptances:
    """Every backend that accepts, within this process."""

    def test_send(self, case: AcceptedCase, monkeypatch: pytest.MonkeyPatch) -> None:
        """`send` returns sent, and the backend has accepted the event exactly once."""
        with running(case, monkeypatch) as backend:
            assert send(EVENT, timeout=LONG) == Outcome(status="sent")
            assert_accepted_once(case, backend)

    @pytest.mark.parametrize("signal", ["logs", "traces"])
    def test_pipeline(
        self, case: AcceptedCase, signal: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A pipeline delivers the event exactly once, and nothing is logged, not even refused attempts."""
        with running(case, monkeypatch) as backend:
            emit_into_pipeline(signal, LONG)
            assert_accepted_once(case, backend)
        assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


class TestEmit:
    """`otel-tbot emit`, as a process."""

    @pytest.mark.parametrize("fault", EMIT_FAULTS, ids=str)
    def test_fault(self, fault: Fault) -> None:
        """A failure is status 1 and, in time, one line on stderr that ends with the reason; stdout is empty."""
        for timeout in timeouts(fault, FIRST_TIMEOUT_OF_A_PROCESS):
            with running(fault) as backend:
                began = time.monotonic()
                options = ("--tbot-version", "18.2.3", "--timeout", str(timeout))
                ended = run("emit", *options, "tbot", "start", environ=variables(fault.protocol, backend))
                assert time.monotonic() - began < time_needed(timeout) + START_ALLOWANCE
                assert redirect_target_is_untouched(backend)
                reached = was_reached(backend)
            assert (ended.returncode, ended.stdout) == (1, "")
            (line,) = ended.stderr.splitlines()
            assert line.startswith("otel-tbot: tbot.start not delivered to ")
            assert is_one_line_without_secrets(line)
            reason = line.removeprefix("otel-tbot: tbot.start not delivered to ").partition(": ")[2]
            assert fault.matches_or_timed_out(reason), line
            if reached and fault.matches(reason):
                return
        pytest.fail(f"the fault was not met, or not reported: {line}")

    @pytest.mark.parametrize("case", ACCEPTED_OVER_NETWORK, ids=str)
    def test_acceptance(self, case: AcceptedCase) -> None:
        """A success is status 0 and one line on stderr, and the backend has accepted the event exactly once."""
        with running(case) as backend:
            environ = variables(case.protocol, backend)
            ended = run("emit", "--tbot-version", "18.2.3", "tbot", "start", environ=environ)
            assert_accepted_once(case, backend)
        assert (ended.returncode, ended.stdout) == (0, "")
        (line,) = ended.stderr.splitlines()
        assert line.startswith("otel-tbot: tbot.start sent to ")
        assert is_one_line_without_secrets(line)


class TestRun:
    """`otel-tbot run`, as a process: only a parent says more than the notice, and only after a failure."""

    @pytest.mark.parametrize("fault", RUN_FAULTS, ids=str)
    def test_fault(self, fault: Fault, tmp_path: Path) -> None:
        """A failure changes neither status nor output of tbot; a parent says that the start was not reported."""
        tbot = shell_script(tmp_path, TBOT)
        for timeout in timeouts(fault, FIRST_TIMEOUT_OF_A_PROCESS):
            with ExitStack() as stack:
                backends, processes = [], []
                for mode in ("on", "supervised"):
                    backends.append(stack.enter_context(running(fault)))
                    environ = variables(fault.protocol, backends[-1])
                    processes.append(stack.enter_context(start_with_timeout(mode, tbot, timeout, environ)))
                assert_only_tbot_output(processes[0], timeout=timeout)
                assert_only_tbot_output(processes[1], timeout=timeout, failed=True)
                assert all(map(redirect_target_is_untouched, backends))
                if all(map(was_reached, backends)):
                    return
        pytest.fail("the fault was not met")

    @pytest.mark.parametrize("mode", ["on", "supervised"])
    @pytest.mark.parametrize("case", ACCEPTED_OVER_NETWORK, ids=str)
    def test_acceptance(self, case: AcceptedCase, mode: str, tmp_path: Path) -> None:
        """A success has the same output, and the backend has accepted the event exactly once."""
        tbot = shell_script(tmp_path, TBOT)
        with running(case) as backend:
            with start_with_timeout(mode, tbot, LONG, variables(case.protocol, backend)) as one:
                assert_only_tbot_output(one, timeout=LONG)
            assert_accepted_once(case, backend)


def start_with_timeout(mode: str, tbot: Path, timeout: float, environ: dict[str, str]) -> RunningProcess:
    """Start tbot in a mode, with a timeout for its sender."""
    return start(mode, tbot, "--tbot-version", "18.2.3", "--timeout", str(timeout), environ=environ)


def assert_only_tbot_output(one: RunningProcess, *, timeout: float, failed: bool = False) -> None:
    """Check tbot's exit status and output, then wait until the sender has ended, in time."""
    status, output, errors = one.finish()
    assert (status, output) == (TBOT_STATUS, "a line of tbot\n")
    # Under supervision tbot already runs when the notice is printed, so either line may come first.
    tbot_line, notice, *others = sorted(errors.splitlines())
    assert tbot_line == "an error of tbot"
    assert notice.startswith(NOTICE)
    assert [line.startswith(NOT_REPORTED) for line in others] == [True] * failed
    assert all(map(is_one_line_without_secrets, (notice, *others)))
    one.wait_until_alone(within=timeout + START_ALLOWANCE)


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
@pytest.mark.parametrize(
    ("answer", "outcome", "events"),
    [("1", "sent \n", 1), ("true", f"off {consent({OPT_IN: 'true'}).reason}\n", 0)],
)
def test_send_from_subinterpreter(
    receiver: OTLPReceiver, protocol: str, answer: str, outcome: str, events: int
) -> None:
    """A subinterpreter gets the same outcome, and ends normally."""
    environ = {OPT_IN: answer, **otlp_variables(receiver, protocol)}
    ended = subprocess.run(
        [sys.executable, "-m", "tests.promises.subinterpreter"], env={"PYTHONPATH": str(SOURCE), **environ},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, outcome, "")
    assert len(receiver.log_records) == events
