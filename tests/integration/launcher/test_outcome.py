"""`--outcome-fd` and `--supervise`: whoever asks learns how the report went, and nobody else is disturbed."""

from __future__ import annotations

import json
import os
import signal
from contextlib import contextmanager, suppress
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
    start,
)
from tests.support.fake_tbot import WAITS, shell_script

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from otel_tbot.testing import OTLPReceiver

pytestmark = pytest.mark.usefixtures("_needs_proc")


@contextmanager
def asked(
    way: str, tbot: Path | str, *options: str, environ: Mapping[str, str], more: Sequence[str] = ()
) -> Iterator[tuple[RunningProcess, int]]:
    """Start tbot with a pipe as the descriptor for the outcome, and yield its reading end."""
    reading, writing = os.pipe()
    named = f"--outcome-fd={writing}"
    with start(way, tbot, named, *options, environ=environ, more=more, pass_fds=[writing]) as started:
        os.close(writing)
        yield started, reading
    os.close(reading)


def outcome(reading: int) -> dict[str, str]:
    """Return the one line that is written until no process has the descriptor any more."""
    with os.fdopen(os.dup(reading), "rb") as pipe:
        (line,) = pipe.readlines()
    told: dict[str, str] = json.loads(line)
    assert told.keys() == {"status", "reason"}
    return told


@pytest.mark.parametrize("way", WITH_SENDER)
def test_sent(way: str, tbot: Path, receiver: OTLPReceiver) -> None:
    """While tbot runs, the outcome is there, and its descriptor is closed: tbot has not inherited it."""
    with asked(way, tbot, environ=endpoint_variables(receiver.http_endpoint)) as (started, reading):
        inherited = procfs.descriptors(int(started.line())).values()
        assert procfs.link(f"/proc/self/fd/{reading}") not in {name for name, _ in inherited}
        assert outcome(reading) == {"status": "sent", "reason": ""}
        assert receiver.log_records
        status, _, errors = started.finish("5\n")
    assert (status, len(errors.splitlines())) == (5, 1)


@pytest.mark.parametrize("way", WITH_SENDER)
def test_refused(way: str, tbot: Path) -> None:
    """A failure is told with its reason; by a parent also on stderr, after tbot has ended."""
    with asked(way, tbot, environ=endpoint_variables("http://127.0.0.1:9")) as (started, reading):
        assert started.line().isdigit()
        told = outcome(reading)
        assert told["status"] == "failed"
        assert "connection refused" in told["reason"]
        notice, *lines = started.finish("5\n")[2].splitlines()
    assert "reporting this start" in notice
    expected = [f"otel-tbot: this start of tbot was not reported: {told['reason']}"] if way == "supervised" else []
    assert lines == expected


@pytest.mark.parametrize("way", WITH_SENDER)
def test_rejected(way: str, tbot: Path, receiver: OTLPReceiver) -> None:
    """An answer that is no acceptance is a failure like another."""
    receiver.reply(Reply(status=400))
    with asked(way, tbot, environ=endpoint_variables(receiver.http_endpoint)) as (started, reading):
        started.line()
        assert outcome(reading)["status"] == "failed"


def test_without_consent(tbot: Path) -> None:
    """Off is an outcome too, and the reason names the variable."""
    with asked("off", tbot, environ={}) as (started, reading):
        assert started.line().isdigit()
        assert outcome(reading) == {"status": "off", "reason": "TELEPORT_ANONYMOUS_TELEMETRY is not set"}
        assert started.finish("5\n")[::2] == (5, "")


@pytest.mark.parametrize("way", ["off", *WITH_SENDER])
def test_another_command(way: str, tmp_path: Path) -> None:
    """A command that reports nothing says so, and runs."""
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
    """Where it is known before tbot starts that nothing can be sent, that is said in place of the notice."""
    with asked(way, tbot, environ={**NOWHERE, **environ}, more=more) as (started, reading):
        assert started.line().isdigit()
        told = outcome(reading)
        (line,) = started.finish("5\n")[2].splitlines()
    assert told["status"] == "failed"
    assert reason in told["reason"]
    assert "secret" not in told["reason"]
    assert line == f"otel-tbot: this start of tbot is not reported: {told['reason']}"


@pytest.mark.parametrize("way", WITH_SENDER)
def test_broken_configuration(way: str, tbot: Path) -> None:
    """What only the sender finds out is told as well."""
    with asked(way, tbot, environ={**NOWHERE, "TBOT_CONFIG": "bm86IFs="}) as (started, reading):
        started.line()
        told = outcome(reading)
    assert told["status"] == "failed"
    assert told["reason"].startswith("TBOT_CONFIG")


@pytest.mark.parametrize("way", WITH_SENDER)
def test_time_is_up(way: str, tmp_path: Path, black_hole: str) -> None:
    """A sender that hangs is ended, and its end is an outcome."""
    environ = {**endpoint_variables(black_hole), "OTEL_EXPORTER_OTLP_TIMEOUT": "0.2"}
    with asked(way, shell_script(tmp_path, WAITS), environ=environ) as (started, reading):
        pid = int(started.line())
        worker = max(started.senders(pid))
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGSTOP)
        assert outcome(reading)["status"] == "failed"


@pytest.mark.parametrize("way", WITH_SENDER)
def test_killed(way: str, tmp_path: Path, black_hole: str) -> None:
    """So is the end of a sender that something else has killed."""
    with asked(way, shell_script(tmp_path, WAITS), environ=endpoint_variables(black_hole)) as (started, reading):
        pid = int(started.line())
        os.kill(max(started.senders(pid)), signal.SIGKILL)
        assert outcome(reading) == {"status": "failed", "reason": "the process that sends ended early"}


@pytest.mark.parametrize("way", ["off", *WITH_SENDER])
def test_nobody_reads(way: str, tbot: Path) -> None:
    """A full pipe, and one without a reader, hold up nobody."""
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
def test_unusable_number(number: str, tbot: Path) -> None:
    """A number that is none of an open descriptor, or one of tbot's own streams, is bad usage."""
    with start("on", tbot, f"--outcome-fd={number}", environ=NOWHERE) as started:
        status, output, errors = started.finish()
    assert (status, output, errors.count("\n")) == (2, "", 1)
    assert errors.startswith("otel-tbot: --outcome-fd must be ")
