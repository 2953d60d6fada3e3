"""On a real terminal, under a real shell, job control, Ctrl-C, Ctrl-Z and hang-ups work as without `run`."""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.integration.launcher import procfs
from tests.integration.launcher.processes import RUN, WITHIN, RunningProcess
from tests.support.collector import wait_until
from tests.support.fake_tbot import TELLS_SIGNALS, python_script, shell_script

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("_needs_proc")

WAYS = {"direct": [], "on": RUN, "supervised": [*RUN, "--supervise"]}
ENVIRON = {
    "TELEPORT_ANONYMOUS_TELEMETRY": "1",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
    "OTEL_EXPORTER_OTLP_TIMEOUT": "0.2",
    "PS1": "",
    "TERM": "dumb",
}
# Reports whether it is in the foreground, and repeats each line that it reads.
JOB = """
import os, signal, sys
signal.signal(signal.SIGINT, lambda *_: os.write(1, b"INTERRUPTED\\n"))
os.write(1, b"READY %d %d.\\n" % (os.tcgetpgrp(0) == os.getpgrp(), os.getpid()))
while line := os.read(0, 100).decode():
    os.write(1, b"GOT " + line.encode())
    if line.startswith("end"):
        sys.exit(int(line.split()[1]))
"""


class Terminal:
    """A terminal with a program that is its session leader."""

    def __init__(self, command: list[str]) -> None:
        """Start the program on a new terminal."""
        self._master, slave = pty.openpty()
        self._seen = ""
        # Its controlling terminal: `start_new_session` calls setsid, and opening the terminal does the rest.
        name = os.ttyname(slave)
        self.program = RunningProcess(
            ["sh", "-c", f'exec "$@" <{name} >{name} 2>&1', "sh", *command],
            ENVIRON,
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)

    def type(self, text: str) -> None:
        """Type a text."""
        os.write(self._master, text.encode())

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait until the terminal shows a match, after the previous one."""
        ends = time.monotonic() + WITHIN
        while not (found := re.search(pattern, self._seen)):
            if not select.select([self._master], [], [], max(0, ends - time.monotonic()))[0]:
                message = f"the terminal never showed {pattern!r}, but: {self._seen!r}"
                raise TimeoutError(message)
            self._seen += os.read(self._master, 1000).decode()
        self._seen = self._seen[found.end() :]
        return found

    def hang_up(self) -> None:
        """Close the terminal."""
        if self._master >= 0:
            os.close(self._master)
        self._master = -1


@pytest.fixture
def shell() -> Iterator[Terminal]:
    """Yield a terminal with a shell that has job control."""
    terminal = Terminal(["sh", "-i"])
    with terminal.program:
        # The typed text must not be mistaken for output.
        terminal.type("stty -echo; echo ready $((1 + 1))\n")
        terminal.wait_for("ready 2")
        yield terminal
        terminal.hang_up()


def wait_until_settled(way: str, terminal: Terminal, tbot: int) -> list[int]:
    """With supervision, wait until the probe runs, too. Return the parent and the probe; without, none."""
    if way != "supervised":
        return []
    parent = procfs.stat(tbot)["ppid"]
    return [parent, terminal.program.probe(parent, tbot)]


def wait_until_ready(way: str, terminal: Terminal) -> list[int]:
    """Wait until tbot runs in the foreground; with supervision, return the parent and the probe."""
    ready = terminal.wait_for(r"READY (\d) (\d+)\.")
    assert ready[1] == "1"
    return wait_until_settled(way, terminal, int(ready[2]))


def typed(way: str, tbot: Path) -> str:
    """Return the line to type that starts tbot in a way."""
    return shlex.join([*WAYS[way], str(tbot), "start"])


@pytest.mark.parametrize("way", WAYS)
def test_job_control(way: str, shell: Terminal, tmp_path: Path) -> None:
    """In the foreground tbot reads typed text, is interrupted once by Ctrl-C, is stopped by Ctrl-Z, and continues."""
    tbot = python_script(tmp_path, JOB)
    shell.type(f"{typed(way, tbot)}; echo status $?\n")
    wait_until_ready(way, shell)
    shell.type("first\n")
    shell.wait_for("GOT first")
    shell.type("\x03")
    shell.wait_for("INTERRUPTED")
    shell.type("\x1a")
    shell.wait_for(rf"status {128 + signal.SIGTSTP}\r\n")
    shell.type("jobs\n")
    shell.wait_for(r"(?i)stopped|suspended")
    shell.type("fg; echo status $?\n")
    shell.type("second\n")
    # Ctrl-C has interrupted it only once.
    assert "INTERRUPTED" not in shell.wait_for(r"(?s).*GOT second")[0]
    shell.type("end 9\n")
    shell.wait_for(r"status 9\r\n")


@pytest.mark.parametrize("way", WAYS)
def test_script(way: str, shell: Terminal, tmp_path: Path) -> None:
    """In a script, where Ctrl-C reaches the script's shell, too, tbot is interrupted once."""
    (tmp_path / "script").write_text(f"trap : INT\n{typed(way, python_script(tmp_path, JOB))}\necho status $?\n")
    shell.type(f"sh {tmp_path}/script\n")
    others = wait_until_ready(way, shell)
    for number in range(10):
        shell.type("\x03")
        shell.wait_for("INTERRUPTED")
        # One that is still pending would hide the next.
        wait_until(lambda: not any(procfs.signals(pid, "ShdPnd") for pid in others), "both took theirs")
        shell.type(f"{number}\n")
        assert "INTERRUPTED" not in shell.wait_for(rf"(?s).*GOT {number}")[0]
    shell.type("end 9\n")
    shell.wait_for(r"status 9\r\n")


@pytest.mark.parametrize("way", WAYS)
def test_background(way: str, shell: Terminal, tmp_path: Path) -> None:
    """In the background, reading from the terminal stops tbot, and the shell says so."""
    tbot = shell_script(tmp_path, "read -r line\necho GOT $line")
    shell.type(f"{typed(way, tbot)} &\n")
    shell.type(f"until jobs >{tmp_path}/jobs; grep -i -e stopped -e suspended {tmp_path}/jobs; do sleep 0.05; done\n")
    shell.wait_for(r"(?i)(stopped|suspended).*tbot")
    shell.type("fg\n")
    shell.type("a line\n")
    shell.wait_for("GOT a line")


@pytest.mark.parametrize("way", WAYS)
def test_hang_up(way: str, tmp_path: Path) -> None:
    """When the terminal hangs up, tbot gets SIGHUP once, even if it is not the session leader."""
    log = tmp_path / "log"
    terminal = Terminal([*WAYS[way], str(signal_logger(tmp_path, log)), "start"])
    with terminal.program:
        wait_until(lambda: log.exists() and log.read_text(), "tbot runs")
        terminal.hang_up()
        assert logged_signals(log) == ["SIGCONT", "SIGHUP", "SIGQUIT"]


@pytest.mark.parametrize("way", WAYS)
def test_hang_up_of_shell(way: str, shell: Terminal, tmp_path: Path) -> None:
    """When the terminal of tbot's shell hangs up, tbot gets SIGHUP once."""
    log = tmp_path / "log"
    shell.type(f"{typed(way, signal_logger(tmp_path, log))}\n")
    wait_until(lambda: log.exists() and log.read_text(), "tbot runs")
    wait_until_settled(way, shell, int(log.read_text()))
    shell.hang_up()
    assert logged_signals(log) == ["SIGCONT", "SIGHUP", "SIGQUIT"]


def signal_logger(folder: Path, log: Path) -> Path:
    """Return a tbot that writes the signals that it gets to a file."""
    return python_script(folder, f"sys.stdout = open({str(log)!r}, 'w')\n{TELLS_SIGNALS}")


def logged_signals(log: Path) -> list[str]:
    """Return the signals up to SIGQUIT, which is sent after the two of a hang-up: copies would have arrived by then."""
    # Python runs the handlers of pending signals in the order of their numbers: SIGQUIT would overtake a SIGCONT.
    wait_until(lambda: {"SIGHUP", "SIGCONT"} <= set(log.read_text().split()), "tbot has got both signals")
    os.kill(int(log.read_text().split()[0]), signal.SIGQUIT)
    wait_until(lambda: "SIGQUIT" in log.read_text(), "tbot ends")
    return sorted(log.read_text().split()[1:])
