"""Work runs within a deadline; its result or exception is passed on unchanged."""

from __future__ import annotations

import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from otel_tbot.otlp import deadline
from otel_tbot.otlp.deadline import NoThreadError, run_with_timeout
from tests.support.program import SOURCE


def test_result() -> None:
    """The result of the work is returned."""
    assert run_with_timeout(5, lambda: "done") == "done"


def test_error() -> None:
    """An exception of the work is raised."""
    with pytest.raises(ZeroDivisionError):
        run_with_timeout(5, lambda: 1 // 0)


def test_deadline() -> None:
    """Work that does not end in time is abandoned."""
    release = threading.Event()
    with pytest.raises(TimeoutError):
        run_with_timeout(0.05, release.wait)
    release.set()


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="only Linux lists the threads of a process")
def test_thread_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread has ended when the result is returned: a fork would copy the locks that it holds while it ends."""

    def work() -> int:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # OpenSSL cleans up after such a thread
        return threading.get_native_id()

    monkeypatch.setattr(deadline, "_LOOKS", 100_000)  # a busy machine may need more than usual
    assert not any(Path(f"/proc/self/task/{run_with_timeout(5, work)}").exists() for _ in range(300))


def test_thread_that_seems_to_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait for the end of the thread is bounded."""
    monkeypatch.setattr(Path, "exists", lambda _: True)
    assert run_with_timeout(5, lambda: "done") == "done"


def test_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """If no thread can be started, the work is not started."""

    def refuse(_: threading.Thread) -> None:
        message = "can't start new thread"
        raise RuntimeError(message)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    started: list[bool] = []
    with pytest.raises(NoThreadError):
        run_with_timeout(5, lambda: started.append(True))
    assert not started


def test_during_the_interpreters_shutdown() -> None:
    """At the exit of the interpreter, when pipelines are flushed, the work is still done."""
    script = """
import atexit
from otel_tbot.otlp.deadline import run_with_timeout
atexit.register(lambda: print(run_with_timeout(5, lambda: "done")))
"""
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, env={"PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, check=True)
    assert (ended.stdout, ended.stderr) == ("done\n", "")


def test_abandoned_work_does_not_delay_exit() -> None:
    """A process can end while abandoned work continues."""
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
