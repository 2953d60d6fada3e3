"""One deadline holds over any work, and what the work says is handed back as it is."""

from __future__ import annotations

import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from otel_tbot.otlp.deadline import NoThreadError, run_with_timeout
from tests.support.program import SOURCE


def test_result() -> None:
    """What the work returns is returned."""
    assert run_with_timeout(5, lambda: "done") == "done"


def test_error() -> None:
    """What the work raises is raised."""
    with pytest.raises(ZeroDivisionError):
        run_with_timeout(5, lambda: 1 // 0)


def test_deadline() -> None:
    """Work that does not end in time is left behind."""
    release = threading.Event()
    with pytest.raises(TimeoutError):
        run_with_timeout(0.05, release.wait)
    release.set()


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="only Linux tells which threads there are")
def test_its_thread_is_gone() -> None:
    """No thread of ours is left when the result is there: a fork would copy the locks that it holds as it leaves."""

    def work() -> int:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # OpenSSL cleans up after such a thread
        return threading.get_native_id()

    assert not any(Path(f"/proc/self/task/{run_with_timeout(5, work)}").exists() for _ in range(300))


def test_thread_that_seems_to_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait for it is bounded."""
    monkeypatch.setattr(Path, "exists", lambda _: True)
    assert run_with_timeout(5, lambda: "done") == "done"


def test_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that nothing could end in time is not begun."""

    def refuse(_: threading.Thread) -> None:
        message = "can't start new thread"
        raise RuntimeError(message)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    begun: list[bool] = []
    with pytest.raises(NoThreadError):
        run_with_timeout(5, lambda: begun.append(True))
    assert not begun


def test_during_the_interpreters_shutdown() -> None:
    """At the very end of a process, when its pipelines are flushed, the work is still done."""
    script = """
import atexit
from otel_tbot.otlp.deadline import run_with_timeout
atexit.register(lambda: print(run_with_timeout(5, lambda: "done")))
"""
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, env={"PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, check=True)
    assert (ended.stdout, ended.stderr) == ("done\n", "")


def test_work_that_never_ends_does_not_hold_up_the_process() -> None:
    """A process ends although work of it was left behind."""
    script = """
import threading
from otel_tbot.otlp.deadline import run_with_timeout
try:
    run_with_timeout(0.05, threading.Event().wait)
except TimeoutError:
    print("late")
"""
    command = [sys.executable, "-c", script]
    ended = subprocess.run(
        command, env={"PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, check=True, timeout=30
    )
    assert (ended.stdout, ended.stderr) == ("late\n", "")
