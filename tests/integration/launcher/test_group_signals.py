"""Tbot gets a signal once, whether a supervisor signals the first process, its group, or each process in turn."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.integration.launcher import procfs
from tests.integration.launcher.processes import NOWHERE, WAYS, RunningProcess, run_with
from tests.support.collector import wait_until
from tests.support.fake_tbot import TELLS_SIGNALS, python_script

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("_needs_proc")

# Starts a command in its own session, and passes each signal on to its first process, its group, or one by one.
# It blocks them before the command runs, since a signal may follow at once.
STAND_IN = """
import contextlib, os, signal, subprocess, sys
target, *command = sys.argv[1:]
own = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
def unblock():
    signal.pthread_sigmask(signal.SIG_SETMASK, own)
first = subprocess.Popen(command, start_new_session=True, preexec_fn=unblock).pid
def is_member(pid):
    try:
        return pid != first and os.getpgid(pid) == first
    except ProcessLookupError:
        return False
while (number := signal.sigwait(signal.valid_signals())) != signal.SIGCHLD:
    if target == "group":
        os.killpg(first, number)
    else:
        others = [*filter(is_member, map(int, filter(str.isdigit, os.listdir("/proc"))))] if target == "each" else []
        for pid in (first, *others):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
"""
SUPERVISORS = {
    "first": [sys.executable, "-ISc", STAND_IN, "first"],
    "group": [sys.executable, "-ISc", STAND_IN, "group"],
    "each": [sys.executable, "-ISc", STAND_IN, "each"],
    "dumb-init": ["dumb-init"],
    "dumb-init --single-child": ["dumb-init", "--single-child"],
    "tini": ["tini", "-s", "--"],
    "tini -g": ["tini", "-s", "-g", "--"],
}
# A real-time signal is queued, so a second one is always seen. dumb-init does not pass it on.
NUMBERS = {"RTMIN": signal.SIGRTMIN, "HUP": signal.SIGHUP, "USR1": signal.SIGUSR1, "TERM": signal.SIGTERM}
ROUNDS = 5
ENVIRON = {**NOWHERE, "TELEPORT_ANONYMOUS_TELEMETRY": "1"}
_PROBE = "otel_tbot.launcher.group_signal_probe"


def name(number: int) -> str:
    """Return the name that tbot prints for a signal."""
    return signal.Signals(number).name


def require(program: str) -> None:
    """Skip the test where a program is not installed."""
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")


@pytest.mark.parametrize("way", ["direct", "supervised"])
@pytest.mark.parametrize("supervisor", SUPERVISORS)
def test_once(supervisor: str, way: str, tmp_path: Path) -> None:
    """A signal to the supervisor reaches tbot once, with `run` and without."""
    require(SUPERVISORS[supervisor][0])
    run = WAYS[way]
    if (supervisor, way) == ("each", "supervised"):
        # A busy machine needs longer than usual from one process to the next.
        run = [*run_with(_PROBE, "_MAX_WAIT", 5), "--supervise"]
    command = [*SUPERVISORS[supervisor], *run, str(python_script(tmp_path, TELLS_SIGNALS)), "start"]
    numbers = [number for name, number in NUMBERS.items() if name != "RTMIN" or "dumb-init" not in supervisor]
    with RunningProcess(command, ENVIRON) as started:
        wait_until_settled(way, started)
        for number in numbers * ROUNDS:
            started.process.send_signal(number)
            assert started.line() == name(number)
        started.process.send_signal(signal.SIGQUIT)
        assert started.line() == "SIGQUIT"


@pytest.mark.parametrize("way", ["direct", "supervised"])
def test_s6(way: str, tmp_path: Path) -> None:
    """s6 signals the first process of a service, and tbot gets the signal once."""
    require("s6-supervise")
    service = tmp_path / "service"
    service.mkdir()
    command = [*WAYS[way], str(python_script(tmp_path, TELLS_SIGNALS)), "start"]
    (service / "run").write_text(f"#!/bin/sh\nexec {' '.join(command)}\n")
    (service / "run").chmod(0o755)
    with RunningProcess(["s6-supervise", str(service)], ENVIRON) as started:
        wait_until_settled(way, started)
        for option, number in (("-h", signal.SIGHUP), ("-1", signal.SIGUSR1), ("-t", signal.SIGTERM)) * ROUNDS:
            subprocess.run(["s6-svc", option, str(service)], check=True)
            assert started.line() == name(number)
        subprocess.run(["s6-svc", "-oq", str(service)], check=True)
        assert started.line() == "SIGQUIT"


def test_killed_probe(tmp_path: Path) -> None:
    """Without the probe every signal is forwarded."""
    command = [*WAYS["supervised"], str(python_script(tmp_path, TELLS_SIGNALS)), "start"]
    with RunningProcess(command, ENVIRON) as started:
        os.kill(wait_until_settled("supervised", started), signal.SIGKILL)
        for number in (signal.SIGHUP, signal.SIGTERM):
            started.process.send_signal(number)
            assert started.line() == name(number)
        started.process.send_signal(signal.SIGQUIT)
        assert started.finish()[:2] == (43, "SIGQUIT\n")


def test_late_copy(tmp_path: Path) -> None:
    """If a supervisor pauses between two processes, the late copy does not suppress the next signal."""
    run = run_with(_PROBE, "_MAX_LATENESS", 3)
    command = [*run, "--supervise", str(python_script(tmp_path, TELLS_SIGNALS)), "start"]
    with RunningProcess(command, ENVIRON) as started:
        probe = wait_until_settled("supervised", started)
        for _ in range(2):
            started.process.send_signal(signal.SIGHUP)
            assert started.line() == "SIGHUP"
            os.kill(probe, signal.SIGHUP)
            wait_until(lambda: signal.SIGHUP not in procfs.signals(probe, "ShdPnd"), "the copy is dropped")
        started.process.send_signal(signal.SIGQUIT)
        assert started.finish()[:2] == (43, "SIGQUIT\n")


def wait_until_settled(way: str, started: RunningProcess) -> int:
    """Wait until tbot runs, and with supervision the probe, too. Return the pid of the probe, or 0."""
    tbot = int(started.line())
    return started.probe(procfs.stat(tbot)["ppid"], tbot) if way == "supervised" else 0
