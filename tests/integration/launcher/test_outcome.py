"""`--outcome-fd` and `--supervise` report the outcome to the caller, and do not disturb anything else."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from otel_tbot.testing import Reply
from tests.integration.launcher import procfs
from tests.integration.launcher.processes import (
    NOWHERE,
    RUN,
    WITH_SENDER,
    RunningProcess,
    endpoint_variables,
    full_pipe,
    outcome,
    start,
    started_with_outcome,
)
from tests.support.fake_tbot import WAITS, shell_script

if TYPE_CHECKING:
    from pathlib import Path

    from otel_tbot.testing import OTLPReceiver

pytestmark = pytest.mark.usefixtures("_needs_proc")

SLOW_EXIT = """
import os, time
from otel_tbot.__main__ import main
from otel_tbot.api import Outcome
from otel_tbot.launcher import worker
def report(*_):
    os._exit = lambda _: time.sleep(60)
    return Outcome(status="sent")
worker.report = report
main()
"""


@pytest.mark.parametrize("way", WITH_SENDER)
def test_sent(way: str, tbot: Path, receiver: OTLPReceiver) -> None:
    """The outcome is written while tbot runs, and its descriptor is closed: tbot has not inherited it."""
    with started_with_outcome(way, tbot, environ=endpoint_variables(receiver.http_endpoint)) as (started, reading):
        inherited = procfs.descriptors(int(started.line())).values()
        assert procfs.link(f"/proc/self/fd/{reading}") not in {name for name, _ in inherited}
        assert outcome(reading) == {"status": "sent", "reason": ""}
        assert receiver.log_records
        status, _, errors = started.finish("5\n")
    assert (status, len(errors.splitlines())) == (5, 1)


@pytest.mark.parametrize("way", WITH_SENDER)
def test_refused(way: str, tbot: Path) -> None:
    """A failure is reported with its reason; a parent also prints it on stderr, after tbot has ended."""
    variables = endpoint_variables("http://127.0.0.1:9", OTEL_EXPORTER_OTLP_TIMEOUT="12")
    with started_with_outcome(way, tbot, environ=variables) as (started, reading):
        assert started.line().isdigit()
        report = outcome(reading)
        assert report["status"] == "failed"
        assert "connection refused" in report["reason"]
        notice, *lines = started.finish("5\n")[2].splitlines()
    assert "reporting this start" in notice
    expected = [f"otel-tbot: this start of tbot was not reported: {report['reason']}"] if way == "supervised" else []
    assert lines == expected


@pytest.mark.parametrize("way", WITH_SENDER)
def test_rejected(way: str, tbot: Path, receiver: OTLPReceiver) -> None:
    """An answer that rejects the event is a failure, too."""
    receiver.reply(Reply(status=400))
    with started_with_outcome(way, tbot, environ=endpoint_variables(receiver.http_endpoint)) as (started, reading):
        started.line()
        assert outcome(reading)["status"] == "failed"


def test_without_consent(tbot: Path) -> None:
    """Off is an outcome, too, and the reason names the variable."""
    with started_with_outcome("off", tbot, environ={}) as (started, reading):
        assert started.line().isdigit()
        assert outcome(reading) == {"status": "off", "reason": "TELEPORT_ANONYMOUS_TELEMETRY is not set"}
        assert started.finish("5\n")[::2] == (5, "")


@pytest.mark.parametrize("way", ["off", *WITH_SENDER])
def test_another_command(way: str, tmp_path: Path) -> None:
    """A command other than `start` has the outcome off, and runs."""
    tbot = shell_script(tmp_path, "echo $1")
    reading, writing = os.pipe()
    consent = {} if way == "off" else {"TELEPORT_ANONYMOUS_TELEMETRY": "1"}
    command = [*RUN, f"--outcome-fd={writing}", str(tbot), "configure"]
    with RunningProcess(command, consent, pass_fds=[writing]) as started:
        os.close(writing)
        assert outcome(reading) == {"status": "off", "reason": "the tbot command is not start"}
        assert started.finish() == (0, "configure\n", "")
    os.close(reading)


@pytest.mark.parametrize("way", WITH_SENDER)
@pytest.mark.parametrize(
    ("environ", "more", "reason"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "carrier pigeon"}, [], "OTEL_EXPORTER_OTLP_ENDPOINT must be a URL"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "carrier pigeon"}, [], "OTEL_EXPORTER_OTLP_PROTOCOL must be"),
        ({"OTEL_EXPORTER_OTLP_HEADERS": "=secret"}, [], "OTEL_EXPORTER_OTLP_HEADERS must name headers"),
        ({"OTEL_EXPORTER_OTLP_CERTIFICATE": "/no/such/file"}, [], "OTEL_EXPORTER_OTLP_CERTIFICATE"),
        ({"OTEL_TBOT_SIGNAL": "smoke"}, [], "OTEL_TBOT_SIGNAL must be logs or traces"),
        ({}, ["-c", "/no/such/file"], "the configuration file does not exist"),
        ({"TBOT_CONFIG_PATH": "/no/such/file"}, [], "the configuration file does not exist"),
    ],
    ids=str,
)
def test_known_beforehand(way: str, environ: dict[str, str], more: list[str], reason: str, tbot: Path) -> None:
    """If it is known before tbot starts that nothing can be sent, a line says so instead of the notice."""
    with started_with_outcome(way, tbot, environ={**NOWHERE, **environ}, more=more) as (started, reading):
        assert started.line().isdigit()
        report = outcome(reading)
        (line,) = started.finish("5\n")[2].splitlines()
    assert report["status"] == "failed"
    assert reason in report["reason"]
    assert "secret" not in report["reason"]
    assert line == f"otel-tbot: this start of tbot is not reported: {report['reason']}"


@pytest.mark.parametrize("way", WITH_SENDER)
def test_broken_configuration(way: str, tbot: Path) -> None:
    """An error that only the sender finds is reported as well."""
    environ = endpoint_variables("http://127.0.0.1:9", TBOT_CONFIG="bm86IFs=")
    with started_with_outcome(way, tbot, environ=environ) as (started, reading):
        started.line()
        report = outcome(reading)
    assert report["status"] == "failed"
    assert report["reason"].startswith("TBOT_CONFIG")


@pytest.mark.parametrize("way", WITH_SENDER)
def test_deadline(way: str, tmp_path: Path, black_hole: str) -> None:
    """A sender that hangs is killed, which is an outcome."""
    environ = endpoint_variables(black_hole, OTEL_EXPORTER_OTLP_TIMEOUT="3")
    with started_with_outcome(way, shell_script(tmp_path, WAITS), environ=environ) as (started, reading):
        pid = int(started.line())
        _, worker = started.senders(pid)
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGSTOP)
        assert outcome(reading)["status"] == "failed"


@pytest.mark.parametrize("way", WITH_SENDER)
def test_slow_exit(way: str, tbot: Path) -> None:
    """A sender that has written its outcome, but would end after its deadline, does not cause a second outcome."""
    run = [*RUN[:-3], "-c", SLOW_EXIT, "run"]
    with started_with_outcome(way, tbot, "--timeout", "1", environ=NOWHERE, run=run) as (_, reading):
        assert outcome(reading) == {"status": "sent", "reason": ""}


@pytest.mark.parametrize("way", WITH_SENDER)
def test_killed(way: str, tmp_path: Path, black_hole: str) -> None:
    """A sender killed by another process is an outcome, too."""
    with started_with_outcome(way, shell_script(tmp_path, WAITS), environ=endpoint_variables(black_hole)) as (
        started,
        reading,
    ):
        pid = int(started.line())
        _, worker = started.senders(pid)
        os.kill(worker, signal.SIGKILL)
        assert outcome(reading) == {"status": "failed", "reason": "the process that sends ended early"}


@pytest.mark.parametrize("way", ["off", *WITH_SENDER])
def test_no_reader(way: str, tbot: Path) -> None:
    """Neither a full pipe nor one without a reader delays anything."""
    reading, writing = full_pipe()
    for has_reader in (True, False):
        if not has_reader:
            os.close(reading)
        with start(way, tbot, f"--outcome-fd={writing}", environ=NOWHERE, pass_fds=[writing]) as started:
            pid = int(started.line())
            started.wait_until_sent(pid)
            assert started.finish("5\n")[0] == 5
    os.close(writing)


@pytest.mark.parametrize("number", ["999", "2", "0", "-1", "three", "", "99999999999"])
def test_invalid_number(number: str, tbot: Path) -> None:
    """A number that is not an open descriptor, or is one of tbot's own streams, is a usage error."""
    with start("on", tbot, f"--outcome-fd={number}", environ=NOWHERE) as started:
        status, output, errors = started.finish()
    assert (status, output, errors.count("\n")) == (2, "", 1)
    assert errors.startswith("otel-tbot: --outcome-fd must be ")
