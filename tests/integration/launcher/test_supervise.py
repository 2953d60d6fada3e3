"""As tbot's parent: it forwards each signal once, returns the exact status, holds nothing open, and ends in time."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from otel_tbot.testing import Reply
from tests.integration.launcher import procfs
from tests.integration.launcher.processes import NOWHERE, RUN, WITHIN, RunningProcess, endpoint_variables, start
from tests.support.collector import wait_until
from tests.support.fake_tbot import TELLS_SIGNALS, WAITS, python_script, shell_script

if TYPE_CHECKING:
    from pathlib import Path

    from otel_tbot.testing import OTLPReceiver

pytestmark = pytest.mark.usefixtures("_needs_proc")

# SIGKILL and SIGSTOP cannot be forwarded; SIGCHLD is about the parent's own children; SIGQUIT ends the fake tbot.
FORWARDED = set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD, signal.SIGQUIT}


def test_signals(tmp_path: Path) -> None:
    """Each signal that a process sends to the parent reaches tbot, once."""
    with start("supervised", python_script(tmp_path, TELLS_SIGNALS), environ=NOWHERE) as started:
        started.line()
        for number in sorted(FORWARDED):
            started.process.send_signal(number)
            assert started.line() == number.name
        started.process.send_signal(signal.SIGQUIT)
        assert started.finish()[:2] == (43, "SIGQUIT\n")


def test_signals_without_their_origin(tmp_path: Path) -> None:
    """Signals are forwarded even where the system does not report their sender (macOS)."""
    script = (
        "import sys, _signal; del _signal.sigwaitinfo; del _signal.sigtimedwait\n"
        "from otel_tbot.launcher.run import run; sys.exit(run(sys.argv[1:]))"
    )
    tbot = python_script(tmp_path, TELLS_SIGNALS)
    environ = {**NOWHERE, "TELEPORT_ANONYMOUS_TELEMETRY": "1"}
    with RunningProcess([sys.executable, "-c", script, "--supervise", str(tbot), "start"], environ) as started:
        started.line()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
            started.process.send_signal(number)
            assert started.line() == number.name
        started.process.send_signal(signal.SIGQUIT)
        assert started.finish()[0] == 43


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGABRT, signal.SIGSEGV])
def test_death_by_signal(number: int, tmp_path: Path) -> None:
    """If a signal ends tbot, the status is 128 plus the signal's number."""
    with start("supervised", shell_script(tmp_path, "ulimit -c 0\n" + WAITS), environ=NOWHERE) as started:
        os.kill(int(started.line()), number)
        assert started.process.wait(WITHIN) == 128 + number


@pytest.mark.parametrize("status", [0, 1, 127, 255])
def test_status(status: int, tmp_path: Path) -> None:
    """The parent's exit status is tbot's."""
    with start("supervised", shell_script(tmp_path, WAITS), environ=NOWHERE) as started:
        started.line()
        assert started.finish(f"{status}\n")[0] == status


def test_stop_and_continue(tmp_path: Path) -> None:
    """When tbot stops, the parent stops, too, and a continued parent continues tbot."""
    with start("supervised", shell_script(tmp_path, WAITS), environ=NOWHERE) as started:
        pid = int(started.line())
        os.kill(pid, signal.SIGSTOP)
        assert os.waitpid(started.pid, os.WUNTRACED)[1] == signal.SIGSTOP << 8 | 0x7F
        # Like a shell does with a job: it continues the group.
        os.killpg(started.pid, signal.SIGCONT)
        assert started.finish("3\n")[0] == 3


def test_wait_for_sender(tmp_path: Path, receiver: OTLPReceiver) -> None:
    """If tbot ends at once, the parent ends only when the event has been delivered."""
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint}
    with start("supervised", shell_script(tmp_path, "exit 4"), environ=environ) as started:
        assert started.finish()[0] == 4
        assert len(receiver.requests) == 1


def test_wait_is_bounded(tmp_path: Path, black_hole: str) -> None:
    """After tbot's end the parent waits for the sender until its deadline, and no longer."""
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": black_hole}
    began = time.monotonic()
    with start("supervised", shell_script(tmp_path, "exit 4"), "--timeout=1", environ=environ) as started:
        assert started.finish()[0] == 4
    assert time.monotonic() - began < 15


def test_wait_without_sender(tmp_path: Path, black_hole: str) -> None:
    """If the sender is stuck beyond its deadline, the parent still ends at the deadline."""
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": black_hole}
    with start("supervised", shell_script(tmp_path, WAITS), "--timeout=5", environ=environ) as started:
        for other in started.senders(int(started.line())):
            os.kill(other, signal.SIGSTOP)
        began = time.monotonic()
        assert started.finish("4\n")[0] == 4
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_wait_is_cancelled(number: int, tmp_path: Path, black_hole: str) -> None:
    """After tbot's end, Ctrl-C or SIGTERM ends the wait for the sender; the status is still tbot's."""
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": black_hole}
    with start("supervised", shell_script(tmp_path, WAITS), "--timeout=60", environ=environ) as started:
        pid = int(started.line())
        started.write("4\n")
        wait_until(lambda: pid not in procfs.children(started.pid), "tbot has been reaped")
        started.process.send_signal(number)
        assert started.process.wait(WITHIN) == 4


def test_killed_parent(tmp_path: Path, receiver: OTLPReceiver) -> None:
    """When the parent is killed, tbot continues, the event arrives, and the sender ends."""
    receiver.reply(Reply(delay=1))  # so that the sender still runs
    with start(
        "supervised", shell_script(tmp_path, WAITS), environ=endpoint_variables(receiver.http_endpoint)
    ) as started:
        pid = int(started.line())
        started.senders(pid)
        started.process.kill()
        assert started.process.wait(WITHIN) == -signal.SIGKILL
        receiver.wait_for_requests(1, timeout=WITHIN)
        started.wait_until_sent(pid)
        wait_until(lambda: started.others() == [pid], "only tbot is left")
        started.write("7\n")
        started.wait_until_alone()


def test_memory(tmp_path: Path) -> None:
    """The parent needs little more memory than an interpreter that does nothing."""
    command = [sys.executable, "-I", "-c", "print(flush=True); input()"]
    bare = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert bare.stdout
    bare.stdout.readline()
    with start("supervised", shell_script(tmp_path, WAITS), environ=NOWHERE) as started:
        started.wait_until_sent(int(started.line()))
        memory = {pid: int(procfs.status(pid)["RssAnon"].split()[0]) for pid in (bare.pid, started.pid)}
        libraries = procfs.PROC.joinpath(str(started.pid), "maps").read_text()
    bare.communicate(b"\n")
    assert memory[started.pid] < memory[bare.pid] + 2048, memory
    assert not re.search("grpc|protobuf|yaml|ssl", libraries)


def test_descriptors(tmp_path: Path) -> None:
    """While tbot runs, the parent holds none of its descriptors except stderr, for its one line."""
    reading, writing = os.pipe()
    with start("supervised", shell_script(tmp_path, WAITS), environ=NOWHERE, pass_fds=[writing]) as started:
        tbot = procfs.descriptors(int(started.line()))
        kept = {tbot[2][0], "/dev/null"}

        def others() -> set[str]:
            return {name for name, _ in procfs.descriptors(started.pid).values()} - kept

        # It closes them once the sender has been started, which tbot does not wait for.
        wait_until(lambda: not others() & {name for name, _ in tbot.values()}, "all are closed")
        wait_until(lambda: len(others()) == 3, "only the pipes to its sender and its probe are left")
        started.finish()
    os.close(writing)
    assert os.read(reading, 1) == b""
    os.close(reading)


@pytest.mark.parametrize("name", ["LISTEN_PID", "WATCHDOG_PID", "SYSTEMD_EXEC_PID"])
@pytest.mark.parametrize("way", ["off", "on", "supervised"])
def test_variables_that_name_the_process(way: str, name: str, tmp_path: Path) -> None:
    """Variables of systemd that name the pid of the started process name tbot's pid instead."""
    shell_script(tmp_path, f'echo "$$ ${name}"\nread -r status')
    command = [*RUN, *(["--supervise"] if way == "supervised" else []), str(tmp_path / "tbot"), "start"]
    naming = ["sh", "-c", f'export {name}=$$; exec "$@"', "sh"]
    environ = {**NOWHERE, "TELEPORT_ANONYMOUS_TELEMETRY": "0" if way == "off" else "1"}
    with RunningProcess([*naming, *command], environ) as started:
        pid, named = started.line().split()
        assert pid == named


def test_variables_that_name_another(tmp_path: Path) -> None:
    """Variables that name another process are unchanged."""
    tbot = shell_script(tmp_path, 'echo "$LISTEN_PID"')
    with start("supervised", tbot, environ={**NOWHERE, "LISTEN_PID": "1"}) as started:
        assert started.line() == "1"
