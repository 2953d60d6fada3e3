"""The sender delivers even if tbot ends, keeps nothing of tbot's open, and ends by its deadline."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import pytest

from otel_tbot.launcher.sender import wait_with_timeout
from otel_tbot.testing import Reply
from tests.integration.launcher import procfs
from tests.integration.launcher.processes import (
    PATIENT_RUN,
    RUN,
    WITH_SENDER,
    WITHIN,
    RunningProcess,
    endpoint_variables,
    run_with,
    start,
)
from tests.support.collector import wait_until
from tests.support.fake_tbot import VERSION, WAITS, shell_script

if TYPE_CHECKING:
    from pathlib import Path

    from otel_tbot.testing import OTLPReceiver

pytestmark = pytest.mark.usefixtures("_needs_proc")


@pytest.mark.parametrize("way", WITH_SENDER)
@pytest.mark.parametrize("options", [[], ["--signal=logs", "--timeout=10"]], ids=len)
def test_event(way: str, options: list[str], tbot: Path, receiver: OTLPReceiver) -> None:
    """The event arrives while tbot runs, and describes its command line."""
    with start(
        way, tbot, *options, environ=endpoint_variables(receiver.http_endpoint), more=["app", "--oneshot"]
    ) as started:
        receiver.wait_for_requests(1, timeout=WITHIN)
        (record,) = receiver.log_records
        assert record.attributes == {
            "tbot.run_mode": "one-shot",
            "tbot.version": VERSION,
            "tbot.destinations_other": 0,
            "tbot.destinations_database": 0,
            "tbot.destinations_kubernetes": 0,
            "tbot.destinations_application": 1,
        }
        assert started.process.poll() is None


def test_preview(tbot: Path, receiver: OTLPReceiver) -> None:
    """The event has exactly the attributes that `preview` shows for the same command line."""
    environ = endpoint_variables(receiver.http_endpoint, _TBOT_TELEMETRY_HELPER="gha:teleport-actions/auth")
    preview = [*RUN[:-1], "preview", "--format", "json", str(tbot), "start", "--join-method=github"]
    with RunningProcess(preview, environ) as shown:
        request = json.loads(shown.finish()[1])
    (shown_record,) = request["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    with start("on", tbot, environ=environ, more=["--join-method=github"]):
        receiver.wait_for_requests(1, timeout=WITHIN)
    (record,) = receiver.log_records
    assert {row["key"] for row in shown_record["attributes"]} == record.attributes.keys()
    for row in shown_record["attributes"]:
        ((kind, value),) = row["value"].items()
        assert record.attributes[row["key"]] == (int(value) if kind == "intValue" else value)


@pytest.mark.parametrize("way", WITH_SENDER)
def test_signal_option(way: str, tbot: Path, receiver: OTLPReceiver) -> None:
    """`--signal traces` sends a span, over gRPC too, and `--tbot-version` sets the version."""
    environ = endpoint_variables(receiver.grpc_endpoint, OTEL_EXPORTER_OTLP_PROTOCOL="grpc")
    with start(way, tbot, "--signal", "traces", "--tbot-version", "17.0.0", environ=environ):
        receiver.wait_for_requests(1, timeout=WITHIN)
    assert [span.attributes["tbot.version"] for span in receiver.spans] == ["17.0.0"]


def test_relative_paths(tbot: Path, tmp_path: Path, receiver: OTLPReceiver) -> None:
    """A relative path of the configuration or of tbot is relative to tbot's working directory."""
    (tmp_path / "tbot.yaml").write_text("version: v2\nservices: [{type: application}, {type: database}]\n")
    with start(
        "on",
        f"./{tbot.name}",
        environ=endpoint_variables(receiver.http_endpoint),
        more=["-c", "tbot.yaml"],
        cwd=tmp_path,
    ):
        receiver.wait_for_requests(1, timeout=WITHIN)
    assert receiver.log_records[0].attributes["tbot.destinations_database"] == 1
    assert receiver.log_records[0].attributes["tbot.version"] == VERSION


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_death_of_the_group(number: int, tbot: Path, receiver: OTLPReceiver) -> None:
    """A supervisor that kills tbot's process group as soon as tbot runs does not reach the sender."""
    with start("on", tbot, environ=endpoint_variables(receiver.http_endpoint)) as started:
        started.line()
        os.killpg(started.pid, number)
        assert started.process.wait(WITHIN) == -number
        receiver.wait_for_requests(1, timeout=WITHIN)


@pytest.mark.parametrize("way", WITH_SENDER)
@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2]
)
def test_signal_to_everything(way: str, number: int, tbot: Path, receiver: OTLPReceiver) -> None:
    """The sender ignores the signals that a service manager sends to every process of a service."""
    receiver.reply(Reply(delay=2 * WITHIN))  # the sender does not end before it has got the signal
    # After SIGTERM, it would have only two seconds to send.
    run = run_with("otel_tbot.launcher.sender", "_STOP_SECONDS", WITHIN)
    with start(way, tbot, environ=endpoint_variables(receiver.http_endpoint), run=run) as started:
        pid = int(started.line())
        for sender in started.senders(pid):
            os.kill(sender, number)
        receiver.wait_for_requests(1, timeout=WITHIN)


@pytest.mark.parametrize("way", WITH_SENDER)
def test_pipes(way: str, tbot: Path, black_hole: str) -> None:
    """Tbot's output ends when tbot ends, even if the sender still waits for its backend."""
    with start(way, tbot, environ=endpoint_variables(black_hole)) as started:
        started.line()
        started.write("0\n")
        assert started.pipes["stdout"].read() == b""
        if way == "on":  # a parent keeps stderr for its one line
            assert started.pipes["stderr"].read().count(b"\n") == 1
        assert started.others()


@pytest.mark.parametrize("way", WITH_SENDER)
def test_descriptors(way: str, tbot: Path, black_hole: str) -> None:
    """Once tbot runs, no other process of ours has any of its descriptors, its terminal, its group or its session."""
    reading, writing = os.pipe()
    variables = endpoint_variables(black_hole)
    with start(way, tbot, environ=variables, run=PATIENT_RUN, pass_fds=[reading, writing]) as started:
        pid = int(started.line())
        inherited = {name for name, _ in procfs.descriptors(pid).values()}
        for sender in started.senders(pid):
            assert inherited.isdisjoint(name for name, _ in procfs.descriptors(sender).values())
            assert procfs.stat(sender)["sid"] != procfs.stat(pid)["sid"]
        assert procfs.children(pid) == []
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize("way", WITH_SENDER)
@pytest.mark.parametrize(
    ("environ", "more"),
    [
        ({}, ["-c", "/no/such/file"]),
        ({}, ["-c", "/dev/zero"]),
        ({}, ["--Canary"]),
        ({"TBOT_CONFIG": "not base64"}, []),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "carrier pigeon"}, []),
        ({"OTEL_TBOT_SIGNAL": "smoke"}, []),
    ],
    ids=str,
)
def test_nothing_to_send(
    way: str, environ: dict[str, str], more: list[str], tbot: Path, receiver: OTLPReceiver
) -> None:
    """With an invalid configuration or setting, the event is not sent, and tbot runs."""
    with start(way, tbot, environ=endpoint_variables(receiver.http_endpoint, **environ), more=more) as started:
        pid = int(started.line())
        started.wait_until_sent(pid)
        assert started.finish("5\n")[0] == 5
    assert receiver.requests == []


@pytest.mark.parametrize("way", WITH_SENDER)
def test_unparsable_timeout(way: str, tbot: Path, receiver: OTLPReceiver) -> None:
    """A timeout that cannot be parsed counts as unset: the event is sent."""
    environ = endpoint_variables(receiver.http_endpoint, OTEL_EXPORTER_OTLP_TIMEOUT="soon")
    with start(way, tbot, environ=environ) as started:
        started.wait_until_sent(int(started.line()))
        assert started.finish("5\n")[0] == 5
    assert len(receiver.requests) == 1


def test_other_command(tmp_path: Path, receiver: OTLPReceiver) -> None:
    """A command that only the full grammar recognizes as not `start` is not reported, and no version is asked for."""
    tbot = shell_script(tmp_path, WAITS, version="touch asked")
    (tmp_path / "arguments").write_text("init\n")
    environ = endpoint_variables(receiver.http_endpoint, TELEPORT_ANONYMOUS_TELEMETRY="1")
    with RunningProcess([*RUN, str(tbot), "@arguments"], environ, cwd=tmp_path) as started:
        started.line()
        started.wait_until_alone()
    assert receiver.requests == []
    assert not (tmp_path / "asked").exists()


def test_fresh_session(tbot: Path, receiver: OTLPReceiver) -> None:
    """Two starts have different sessions."""
    for _ in range(2):
        with start("on", tbot, environ=endpoint_variables(receiver.http_endpoint)) as started:
            started.line()
            started.wait_until_alone()
    first, second = (record.resource_attributes["session.id"] for record in receiver.log_records)
    assert first != second


def test_no_file(tbot: Path, tmp_path: Path, receiver: OTLPReceiver) -> None:
    """No file is written in any folder that a program may use."""
    home = tmp_path / "home"
    home.mkdir()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    environ = endpoint_variables(receiver.http_endpoint, HOME=str(home), TMPDIR=str(home), XDG_CACHE_HOME=str(home))
    with start("on", tbot, environ=environ, cwd=home) as started:
        started.line()
        receiver.wait_for_requests(1, timeout=WITHIN)
        started.wait_until_alone()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


@pytest.mark.parametrize("way", WITH_SENDER)
def test_stop_of_the_unit(way: str, tbot: Path, black_hole: str) -> None:
    """A service manager that sends SIGTERM to every process of a unit does not wait for the sender's timeout."""
    environ = endpoint_variables(black_hole, OTEL_EXPORTER_OTLP_TIMEOUT="30")
    with start(way, tbot, environ=environ) as started:
        pid = int(started.line())
        senders = started.senders(pid)
        for sender in senders:
            os.kill(sender, signal.SIGTERM)
        wait_until(
            lambda: not any(procfs.PROC.joinpath(str(sender)).exists() for sender in senders),
            "the sender has ended",
            within=15,
        )


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_stuck_in_exit() -> None:
    """A process that is stuck in its exit, as on a slow file system, delays tbot only briefly."""
    child = os.fork()
    if child == 0:
        signal.pause()
        os._exit(1)
    assert wait_with_timeout(child) == 0
    os.kill(child, signal.SIGKILL)
    assert os.waitpid(child, 0) == (child, signal.SIGKILL)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("status", [0, 11])
def test_end_of_the_intermediate_process(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait for a process that has ended returns its status."""
    monkeypatch.setattr("otel_tbot.launcher.sender._MAX_WAIT", WITHIN)
    child = os.fork()
    if child == 0:
        os._exit(status)
    assert wait_with_timeout(child) == status
