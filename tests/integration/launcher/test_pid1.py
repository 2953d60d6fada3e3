"""As process 1 of a container, which ends when tbot has ended and the event has been sent."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

import pytest

from tests.integration.launcher import procfs
from tests.integration.launcher.processes import RUN, WITHIN, RunningProcess
from tests.support.collector import wait_until
from tests.support.fake_tbot import TELLS_SIGNALS, WAITS, python_script, shell_script

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from otel_tbot.testing import OTLPReceiver


@cache
def namespace() -> list[str]:
    """Return the command prefix that starts a program as process 1; skip where the system does not allow it."""
    plain = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    refused = ""
    for command in (plain, [plain[0], "--user", "--map-root-user", *plain[1:]]):
        try:
            attempt = subprocess.run([*command, "true"], check=False, capture_output=True, text=True)
        except FileNotFoundError:
            pytest.skip("unshare is not installed")
        if attempt.returncode == 0:
            return command
        refused = attempt.stderr.strip()
    pytest.skip(f"the system refuses a PID namespace: {refused}")


def start(tbot: Path, *options: str, environ: Mapping[str, str] | None = None) -> RunningProcess:
    """Start tbot with `run` as process 1."""
    command = [*namespace(), *RUN, *options, str(tbot), "start"]
    return RunningProcess(
        command, {"TELEPORT_ANONYMOUS_TELEMETRY": "1", "OTEL_EXPORTER_OTLP_TIMEOUT": "0.2", **(environ or {})}
    )


def init_of(started: RunningProcess) -> int:
    """Return the pid of process 1 outside of the namespace."""
    found: list[int] = []

    def runs() -> bool:
        found[:] = procfs.children(started.pid)
        return bool(found)

    wait_until(runs, "process 1 runs")
    return found[0]


def child_of(init: int, pid: str) -> int:
    """Return the pid outside of the namespace of the child of process 1 with this pid inside."""
    found: list[int] = []

    def runs() -> bool:
        for child in procfs.children(init):
            with suppress(OSError):  # it has ended in the meantime
                if procfs.status(child)["NSpid"].split()[-1] == pid:
                    found.append(child)
        return bool(found)

    wait_until(runs, f"process {pid} of the namespace runs")
    return found[0]


def test_event(tmp_path: Path, receiver: OTLPReceiver) -> None:
    """The event of a tbot that ends at once arrives before the container ends, and the status is tbot's."""
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint, "OTEL_EXPORTER_OTLP_TIMEOUT": "10"}
    with start(shell_script(tmp_path, "exit 6"), environ=environ) as started:
        assert started.finish()[0] == 6
    assert len(receiver.requests) == 1


def test_child(tmp_path: Path) -> None:
    """With consent, tbot is a child of process 1; without consent, it is process 1."""
    tbot = shell_script(tmp_path, 'echo "$$ $PPID"')
    with start(tbot) as started:
        assert started.finish()[1].split()[1] == "1"
    with start(tbot, environ={"TELEPORT_ANONYMOUS_TELEMETRY": "0"}) as started:
        assert started.finish()[1].split()[0] == "1"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_signals(number: signal.Signals, tmp_path: Path) -> None:
    """A signal to the container reaches tbot, although the system drops signals that process 1 does not handle."""
    with start(python_script(tmp_path, TELLS_SIGNALS)) as started:
        started.line()
        os.kill(init_of(started), number)
        assert started.line() == number.name
        os.kill(init_of(started), signal.SIGQUIT)
        assert started.finish()[0] == 43


def test_death_by_signal(tmp_path: Path) -> None:
    """SIGTERM ends a tbot that does not handle it, and the container with it."""
    with start(shell_script(tmp_path, WAITS)) as started:
        started.line()
        os.kill(init_of(started), signal.SIGTERM)
        assert started.process.wait(WITHIN) == 128 + signal.SIGTERM


def test_orphans(tmp_path: Path) -> None:
    """Orphans are reaped: process 1 keeps no zombie."""
    tbot = shell_script(tmp_path, "(true & true & true &)\necho started\n" + WAITS)
    with start(tbot) as started:
        started.line()
        pid = started.line()
        init = init_of(started)
        wait_until(lambda: len(procfs.children(init)) == 2, f"only tbot ({pid}) and the probe are left")


def test_stop(tmp_path: Path) -> None:
    """A stopped tbot continues when the container is continued, although process 1 cannot stop."""
    with start(shell_script(tmp_path, WAITS)) as started:
        pid = started.line()
        init = init_of(started)
        tbot = child_of(init, pid)
        os.kill(tbot, signal.SIGSTOP)
        wait_until(lambda: procfs.status(tbot)["State"].startswith("T"), "tbot has stopped")
        os.kill(init, signal.SIGCONT)
        assert started.finish("3\n")[0] == 3
