"""The version of tbot, as `tbot version` prints it, with fake tbots."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from otel_tbot.tbot import version_probe as version
from otel_tbot.tbot.version_probe import OUTPUT_LIMIT, VersionProbe, VersionResult
from tests.support.collector import wait_until
from tests.support.program import PATIENT, SOURCE

if TYPE_CHECKING:
    from collections.abc import Callable

TOO_LONG = VersionResult(reason="`tbot version` took too long")
NO_VERSION = VersionResult(reason="`tbot version` printed no version")
FAILED = VersionResult(reason="`tbot version` failed")
NOT_FOUND = VersionResult(reason="the executable was not found")
NOT_EXECUTABLE = VersionResult(reason="the file is not executable")
CANNOT_RUN = VersionResult(reason="the executable cannot be run")


@pytest.fixture(autouse=True)
def _time_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give killed processes the time that they may need on a busy machine."""
    monkeypatch.setattr(version, "_REAP_TIMEOUT", 30)


@pytest.fixture
def tbot(tmp_path: Path) -> Callable[[str], str]:
    """Return a function that writes lines of shell as a fake tbot, and returns its path."""

    def write(lines: str) -> str:
        path = tmp_path / "tbot"
        path.write_text(f"#!/bin/sh\n{lines}\n")
        path.chmod(0o755)
        return str(path)

    return write


def ask(executable: str, *, timeout: float = 10.0, **environ: str) -> VersionResult:
    """Ask for the version, with a timeout that is long enough for a busy machine."""
    return VersionProbe.start(executable, {"PATH": os.environ["PATH"], **environ}, timeout).result()


@pytest.mark.parametrize(("printed", "expected"), [
    ("Teleport v18.2.3 git:v18.2.3-0-gabc1234 go1.24.7", "18.2.3"),
    ("Teleport Enterprise v18.2.3 git:v18.2.3-0-gabc1234 go1.24.7", "18.2.3"),
    ("Teleport v4.4.0", "4.4.0"),
    ("Teleport Enterprise v4.4.0", "4.4.0"),
    ("Teleport v19.0.0-dev git: go1.25.1", "19.0.0-dev"),
    ("Teleport v18.0.0-alpha.1 git:api/v18.0.0-alpha.1-2-g12 go1.24", "18.0.0-alpha.1"),
    ("Teleport Enterprise v17.4.2+ent git:x go1.23", "17.4.2+ent"),
    ("Teleport v17.4.2-rc.1+build.5 git:x go1.23", "17.4.2-rc.1+build.5"),
    ("a warning\nTeleport v18.2.3 git:x go1.24", "18.2.3"),
    ("Teleport v18.2.3\r", "18.2.3"),
])  # fmt: skip
def test_printed(tbot: Callable[[str], str], printed: str, expected: str) -> None:
    """All forms in which tbot prints its version are parsed."""
    assert ask(tbot(f"printf '%s\\n' '{printed}'")) == VersionResult(version=expected)


def test_without_a_line_break(tbot: Callable[[str], str]) -> None:
    """The line break is optional."""
    assert ask(tbot("printf 'Teleport v18.2.3'")).version == "18.2.3"


@pytest.mark.parametrize("printed", [
    "", "18.2.3", "v18.2.3", "tbot v18.2.3", "Teleport 18.2.3", "Teleport vX", "Teleport v18.2.3_canary",
    "Teleport v", "Teleport v18.2.3canary", " Teleport v18.2.3", "Teleport a b v1",
])  # fmt: skip
def test_no_version(tbot: Callable[[str], str], printed: str) -> None:
    """Anything else is not a version."""
    assert ask(tbot(f"printf '%s\\n' '{printed}'")) == NO_VERSION


def test_bytes(tbot: Callable[[str], str]) -> None:
    """Undecodable bytes are ignored."""
    assert ask(tbot("printf '\\377\\000\\nTeleport v18.2.3 \\377\\n'")).version == "18.2.3"


def test_only_version(tbot: Callable[[str], str]) -> None:
    """The executable is run once, with `version` and nothing else."""
    path = tbot('echo "$# $*" >>"$0.runs"; echo Teleport v1.0')

    assert ask(path).version == "1.0"
    assert Path(f"{path}.runs").read_text() == "1 version\n"


def test_streams(tbot: Callable[[str], str], capfd: pytest.CaptureFixture[str]) -> None:
    """Its stdin is empty, and its stderr is discarded."""
    assert ask(tbot("cat; echo canary >&2; echo Teleport v1.0")).version == "1.0"
    assert capfd.readouterr() == ("", "")


def test_environment(tbot: Callable[[str], str]) -> None:
    """It gets exactly the given variables."""
    assert ask(tbot('echo "Teleport v$SOME"'), SOME="7.1").version == "7.1"


def test_own_session(tbot: Callable[[str], str]) -> None:
    """It runs in its own session, so it does not get the terminal's signals."""
    path = tbot('echo $$ >"$0.new"; mv "$0.new" "$0.pid"; sleep 60')
    question = VersionProbe.start(path, {"PATH": os.environ["PATH"]}, 5)
    while not Path(f"{path}.pid").exists():
        time.sleep(0.01)
    leader = int(Path(f"{path}.pid").read_text())

    assert os.getsid(leader) == leader

    os.kill(leader, signal.SIGKILL)
    question.result()


@pytest.mark.parametrize("name", ["missing", "/missing", "./missing", "", "a\0b", "\ud800", "tbot/missing", "."])
def test_not_found(name: str) -> None:
    """A missing executable is reported as not found."""
    assert ask(name) == NOT_FOUND


def test_not_executable(tbot: Callable[[str], str]) -> None:
    """A file without execute permission is reported as such."""
    path = tbot("echo Teleport v1.0")
    Path(path).chmod(0o644)

    assert ask(path) == NOT_EXECUTABLE


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"#!/missing/interpreter\n", b"\0\0\0"])
def test_cannot_be_run(tmp_path: Path, content: bytes) -> None:
    """A file that is not a program cannot be run."""
    path = tmp_path / "tbot"
    path.write_bytes(content)
    path.chmod(0o755)

    assert ask(str(path)) in {CANNOT_RUN, FAILED}


def test_bad_environment(tbot: Callable[[str], str]) -> None:
    """Variables that no process can have do not raise an error."""
    assert ask(tbot("echo Teleport v1.0"), A="\0") == CANNOT_RUN


def test_path_lookup(tbot: Callable[[str], str], tmp_path: Path) -> None:
    """A name is looked up like in a shell: the first match wins, and files that are not executable are skipped."""
    tbot("echo Teleport v1.0")
    for folder, mode in (("closed", 0o644), ("open", 0o755)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "tbot").write_text(f"#!/bin/sh\necho Teleport v2.0-{folder}\n")
        (tmp_path / folder / "tbot").chmod(mode)
    folders = f"/missing:{tmp_path}/closed:{tmp_path}/open:{tmp_path}"

    assert ask("tbot", PATH=folders).version == "2.0-open"
    assert ask("tbot", PATH=f"{tmp_path}/closed") == NOT_EXECUTABLE
    assert ask("tbot", PATH="/missing") == NOT_FOUND


@pytest.mark.parametrize("folders", ["", ":", "/missing:", ":/missing", "/missing::/missing", "."])
def test_empty_part_of_path(
    tbot: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folders: str
) -> None:
    """An empty part of `PATH` means the working directory."""
    tbot("echo Teleport v1.0")
    monkeypatch.chdir(tmp_path)

    assert ask("tbot", PATH=folders).version == "1.0"


def test_no_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `PATH`, the system's own folders are searched."""
    monkeypatch.chdir(tmp_path)

    assert VersionProbe.start("true", {}, 10).result() == NO_VERSION
    assert VersionProbe.start("tbot-that-is-nowhere", {}, 10).result() == NOT_FOUND


def test_relative_path(tbot: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with a slash is a path, and is not looked up."""
    tbot("echo Teleport v1.0")
    monkeypatch.chdir(tmp_path)

    assert ask("./tbot", PATH="/missing").version == "1.0"


@pytest.mark.parametrize(
    "lines", ["exit 1", "echo Teleport v1.0; exit 1", "kill -SEGV $$", "echo Teleport v1.0; kill -KILL $$"]
)
def test_failure(tbot: Callable[[str], str], lines: str) -> None:
    """The output of a failed command is ignored."""
    assert ask(tbot(lines)) == FAILED


@pytest.mark.parametrize("lines", [
    "sleep 60",
    "echo Teleport v1.0; exec sleep 60",
    "echo Teleport v1.0; exec >&-; sleep 60",
    "sleep 60 & echo Teleport v1.0",
    "trap '' TERM INT HUP; sleep 60; sleep 60",
    "(trap '' HUP; sleep 60) & sleep 60",
    "while :; do printf x; sleep 0.01; done",
    "kill -STOP $$",
])  # fmt: skip
def test_too_long(tbot: Callable[[str], str], lines: str) -> None:
    """A command that takes too long is abandoned, even if a child of it holds the output open."""
    began = time.monotonic()

    assert ask(tbot(lines), timeout=0.3) == TOO_LONG
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("lines", ["yes", "cat /dev/zero", "printf '%070000d' 1", "echo Teleport v1.0; yes"])
def test_too_much(tbot: Callable[[str], str], lines: str) -> None:
    """A command that prints too much is stopped."""
    assert ask(tbot(lines)) == VersionResult(reason=f"`tbot version` printed more than {OUTPUT_LIMIT} bytes")


def test_as_much_as_allowed(tbot: Callable[[str], str]) -> None:
    """Output up to the limit is read."""
    assert ask(tbot(f"echo Teleport v1.0; printf '%0{OUTPUT_LIMIT - 14}d' 1")).version == "1.0"


@pytest.mark.parametrize("lines", ["sleep 60 & sleep 60", "yes", "exit 1", "echo Teleport v1.0", "kill -STOP $$"])
def test_nothing_is_left(tbot: Callable[[str], str], lines: str) -> None:
    """No process is left, neither alive nor a zombie, not even a grandchild."""
    path = tbot(f'exec 3>"$0.alive"; echo $$ >&3; {lines}')
    os.mkfifo(f"{path}.alive")
    held = os.open(f"{path}.alive", os.O_RDONLY | os.O_NONBLOCK)
    try:
        question = VersionProbe.start(path, {"PATH": os.environ["PATH"]}, 0.5)
        leader = _read(held)
        question.result()
        assert _read(held) == b""
    finally:
        os.close(held)

    with pytest.raises(ChildProcessError):
        os.waitpid(int(leader), os.WNOHANG)


def _read(held: int) -> bytes:
    """Wait for the next bytes of a pipe, and return them; none once no process holds it open."""
    ready = select.poll()
    ready.register(held, select.POLLIN)
    if not ready.poll(20_000):
        pytest.fail("a process is still alive")
    return os.read(held, 100)


def test_starts_at_once(tbot: Callable[[str], str]) -> None:
    """Starting the probe does not block."""
    path = tbot("sleep 60")
    began = time.monotonic()
    question = VersionProbe.start(path, {"PATH": os.environ["PATH"]}, 30)
    started = time.monotonic() - began
    os.killpg(_pid(question), signal.SIGKILL)

    assert question.result() == FAILED
    assert started < 15


def _pid(question: VersionProbe) -> int:
    assert question._process is not None
    return question._process.pid


def test_collected_late(tbot: Callable[[str], str]) -> None:
    """Output that was printed in time counts, even if it is collected late."""
    question = VersionProbe.start(tbot("echo Teleport v1.0"), {"PATH": os.environ["PATH"]}, 0.5)
    os.waitid(os.P_PID, _pid(question), os.WEXITED | os.WNOWAIT)  # until it has ended
    time.sleep(0.6)  # until its deadline has passed

    assert question.result().version == "1.0"


def test_collected_twice(tbot: Callable[[str], str]) -> None:
    """A second call returns the same result."""
    question = VersionProbe.start(tbot("echo Teleport v1.0"), {"PATH": os.environ["PATH"]}, 10)

    assert question.result() == question.result() == VersionResult(version="1.0")


def test_no_descriptor_is_left(tbot: Callable[[str], str]) -> None:
    """No descriptor stays open."""
    path = tbot("echo Teleport v1.0")
    ask(path)
    before = _descriptors()
    for _ in range(3):
        ask(path)
        ask("missing")

    assert _descriptors() == before


def _descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def test_children_of_others_are_left_alone(tbot: Callable[[str], str]) -> None:
    """The probe works even if the host ignores SIGCHLD."""
    previous = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        answer = ask(tbot("echo Teleport v1.0"))
    finally:
        signal.signal(signal.SIGCHLD, previous)

    assert answer.version == "1.0"


def test_limits() -> None:
    """The default timeout is two seconds."""
    assert version.PROBE_TIMEOUT == 2.0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the parent-death signal")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP])
@pytest.mark.parametrize("command", ["preview", "emit"])
def test_end_of_the_command(tbot: Callable[[str], str], command: str, number: signal.Signals) -> None:
    """A hanging executable ends with the command that started it, even if that is killed."""
    path = tbot('echo $$ >"$0.new"; mv "$0.new" "$0.pid"; exec sleep 60')
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), "TELEPORT_ANONYMOUS_TELEMETRY": "1"}
    asking = subprocess.Popen(
        [sys.executable, *PATIENT, command, path, "start"], env=environ, stderr=subprocess.DEVNULL
    )
    wait_until(Path(f"{path}.pid").exists, "the executable runs")
    started = int(Path(f"{path}.pid").read_text())
    asking.send_signal(number)
    if number == signal.SIGSTOP:
        asking.kill()
    asking.wait(30)
    wait_until(lambda: not Path(f"/proc/{started}/cmdline").exists() or not _command_line(started), "it has ended")


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()  # empty for a process that has ended and was not waited for
    except OSError:
        return b""
