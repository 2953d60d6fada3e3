"""A start by `run` cannot be distinguished from a direct one: a fake tbot is compared from outside, key by key."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
from typing import TYPE_CHECKING

import pytest

from tests.integration.launcher import procfs
from tests.integration.launcher.comparison import WAYS, compare, expected, table
from tests.integration.launcher.processes import NOWHERE, WITHIN, RunningProcess, start
from tests.support.collector import wait_until
from tests.support.fake_tbot import SLEEPS, shell_script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("_needs_proc")


def test_comparison(tbot: Path) -> None:
    """Tbot inherits the same in every way of starting it, except for documented differences. Prints the table."""
    results = {way: compare(way, tbot) for way in WAYS}
    print(f"\n{table(results)}")  # noqa: T201  for people, with `pytest -s`
    for way, (directly, seen) in results.items():
        assert seen == expected(directly, way)


def _signals() -> None:
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGALRM, signal.SIGTSTP, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)


def _children_ignored() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)


def _everything_blocked() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())


def _something_pending() -> None:
    os.kill(os.getpid(), signal.SIGUSR2)


def _limits() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 128))
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000_000, 20_000_000))


def _attributes() -> None:
    os.umask(0o027)
    os.nice(3)
    os.chdir("/")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("prepare", [_signals, _children_ignored, _everything_blocked, _limits, _attributes])
def test_prepared_process(way: str, prepare: Callable[[], None], tbot: Path) -> None:
    """Tbot inherits signal dispositions and masks, limits, the umask, the nice value and the working directory."""
    direct, seen = compare(way, tbot, preexec_fn=prepare)
    assert seen == expected(direct, way)


@pytest.fixture
def _blocked() -> Iterator[None]:
    # Before the fork: after it, SDK providers left by other tests start threads, which inherit this.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2, signal.SIGTERM})
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


@pytest.mark.usefixtures("_blocked")
@pytest.mark.parametrize("way", ["off", "on"])
def test_pending_signal(way: str, tbot: Path) -> None:
    """A blocked, pending signal is still pending for tbot."""
    direct, seen = compare(way, tbot, preexec_fn=_something_pending)
    assert seen["ShdPnd"] == direct["ShdPnd"] != "0000000000000000"


@pytest.mark.parametrize("way", ["direct", *WAYS])
def test_signals_that_python_ignores(way: str, tbot: Path) -> None:
    """The signals that Python ignores have their default actions in tbot."""
    with start(way, tbot, environ=NOWHERE) as started:
        pid = int(started.line())
        assert procfs.signals(pid, "SigIgn").isdisjoint({signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT})


@pytest.mark.parametrize("way", WAYS)
def test_descriptors(way: str, tbot: Path, tmp_path: Path) -> None:
    """Inherited descriptors keep their numbers, flags and positions."""
    file = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT | os.O_APPEND)
    os.write(file, b"five.")
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETFL, os.O_NONBLOCK)
    direct, seen = compare(way, tbot, pass_fds=[file, reading, writing])
    for number in (file, reading, writing):
        os.close(number)
    assert seen == expected(direct, way)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)], ids=str)
def test_closed_stdio(way: str, closed: tuple[int, ...], tmp_path: Path) -> None:
    """Streams that are closed when we start are closed for tbot, and the notice does not go anywhere else."""
    tbot = shell_script(tmp_path, SLEEPS)

    def close() -> None:
        for number in closed:
            os.close(number)

    with (
        (tmp_path / "other").open("w+") as other,
        start(way, tbot, environ=NOWHERE, stdin=other, stdout=other, stderr=other, preexec_fn=close) as started,
    ):
        pid = wait_for_sleep(started)
        assert not procfs.descriptors(pid).keys() & set(closed)
        if 2 in closed:
            assert (tmp_path / "other").read_text() == ""


def wait_for_sleep(started: RunningProcess) -> int:
    """Wait until tbot, either the process or its child, has become `sleep`; return its pid."""
    found: list[int] = []

    def asleep() -> bool:
        found[:] = [pid for pid in procfs.alive(started.mark) if procfs.is_asleep(pid, "sleep")]
        return bool(found)

    wait_until(asleep, "tbot sleeps", within=WITHIN)
    return found[0]


@pytest.mark.parametrize("way", WAYS)
def test_exit_status(way: str, tbot: Path) -> None:
    """The exit status is tbot's."""
    with start(way, tbot, environ=NOWHERE) as started:
        started.line()
        assert started.finish("57\n")[0] == 57


@pytest.mark.parametrize("way", ["off", "on"])
def test_death_by_signal(way: str, tbot: Path) -> None:
    """Killing the process kills tbot, and the process ends by that signal."""
    with start(way, tbot, environ=NOWHERE) as started:
        started.line()
        started.process.send_signal(signal.SIGTERM)
        assert started.process.wait(WITHIN) == -signal.SIGTERM


@pytest.mark.parametrize("way", WAYS)
def test_output(way: str, tbot: Path) -> None:
    """Stdout has tbot's output; stderr has a notice with a sender, its failure with a parent, and nothing when off."""
    with start(way, tbot, environ=NOWHERE) as started:
        pid = started.line()
        _, output, errors = started.finish()
    assert (pid.isdigit(), output) == (True, "")
    expected = {
        "off": [],
        "on": ["otel-tbot: reporting this start"],
        "supervised": ["otel-tbot: reporting this start", "otel-tbot: this start of tbot was not reported"],
    }
    lines = errors.splitlines()
    assert len(lines) == len(expected[way])
    assert all(map(str.startswith, lines, expected[way]))
