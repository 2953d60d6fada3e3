"""The notice: one line that is written if possible, and that tbot never waits for."""

from __future__ import annotations

import os
import pty
import sys
from pathlib import Path

import pytest

from otel_tbot.launcher.version_format import UNUSABLE
from tests.integration.launcher.processes import NOWHERE, PROGRAM, WITH_SENDER, RunningProcess, full_pipe, start, works


@pytest.mark.parametrize("way", WITH_SENDER)
def test_text(way: str, tbot: Path) -> None:
    """The notice says what happens, why, how to turn it off and how to see what is sent."""
    with start(way, tbot, environ=NOWHERE) as started:
        notice = started.finish()[2].splitlines()[0]
    for part in ("otel-tbot: reporting this start", "TELEPORT_ANONYMOUS_TELEMETRY is 1", "0 turns it off", "preview"):
        assert part in notice


@pytest.mark.parametrize("way", WITH_SENDER)
def test_unusable_version(way: str, tbot: Path) -> None:
    """A line before the notice reports an invalid --tbot-version; without a sender there is no line."""
    with start(way, tbot, "--tbot-version=latest", environ=NOWHERE) as started:
        left_out, notice = started.finish()[2].splitlines()[:2]
    assert left_out == f"otel-tbot: {UNUSABLE}"
    assert "reporting this start" in notice
    with start("off", tbot, "--tbot-version=latest") as started:
        assert started.finish()[2] == ""


@pytest.mark.parametrize("way", WITH_SENDER)
def test_full_stderr(way: str, tbot: Path) -> None:
    """A full stderr that nothing reads does not delay tbot."""
    reading, writing = full_pipe()
    assert works(start(way, tbot, environ=NOWHERE, stderr=writing))
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize("way", WITH_SENDER)
def test_closed_reader_of_stderr(way: str, tbot: Path) -> None:
    """A stderr whose reader is gone does not delay tbot."""
    reading, writing = os.pipe()
    os.close(reading)
    assert works(start(way, tbot, environ=NOWHERE, stderr=writing))
    os.close(writing)


@pytest.mark.parametrize("way", WITH_SENDER)
def test_full_device(way: str, tbot: Path) -> None:
    """A stderr on a full disk does not delay tbot."""
    with Path("/dev/full").open("wb") as full:
        assert works(start(way, tbot, environ=NOWHERE, stderr=full))


@pytest.mark.parametrize("way", WITH_SENDER)
def test_stopped_terminal(way: str, tbot: Path) -> None:
    """A terminal stopped by Ctrl-S does not delay tbot."""
    master, slave = pty.openpty()
    os.write(master, b"\x13")
    assert works(start(way, tbot, environ=NOWHERE, stderr=slave))
    os.close(master)
    os.close(slave)


@pytest.mark.parametrize("way", WITH_SENDER)
def test_number_of_another_file(way: str, tbot: Path, tmp_path: Path) -> None:
    """If stderr was closed at the start, a file with its descriptor number does not get the notice."""
    other = tmp_path / "other"
    script = f"import os, sys; assert os.open({str(other)!r}, os.O_WRONLY | os.O_CREAT) == 2; {PROGRAM}"
    options = ["--supervise"] if way == "supervised" else []
    command = [sys.executable, "-c", script, "run", *options, str(tbot), "start"]
    environ = {**NOWHERE, "TELEPORT_ANONYMOUS_TELEMETRY": "1"}
    assert works(RunningProcess(command, environ, preexec_fn=lambda: os.close(2)))
    assert other.read_text() == ""
