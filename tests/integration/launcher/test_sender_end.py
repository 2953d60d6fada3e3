"""The sender's end: it comes by the deadline, whatever happens."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.integration.launcher import procfs
from tests.integration.launcher.processes import WITH_SENDER, WITHIN, endpoint_variables, start
from tests.support.fake_tbot import WAITS, shell_script

if TYPE_CHECKING:
    from pathlib import Path

    from otel_tbot.testing import OTLPReceiver

pytestmark = pytest.mark.usefixtures("_needs_proc")

A_SECOND = 1.0  # by which a sender may outlive its deadline
SLACK = 4.0  # seconds for a busy machine: what the interpreter takes to start, and a test to look again


@pytest.mark.parametrize("way", WITH_SENDER)
@pytest.mark.parametrize("version", ["exit", "exec sleep 60", "sleep 60 & sleep 60"])
def test_deadline(way: str, version: str, tmp_path: Path, black_hole: str) -> None:
    """A sender that gets no answer, from its backend or from tbot, is gone a second after its deadline at most."""
    tbot = shell_script(tmp_path, WAITS, version=version)
    began = time.monotonic()
    with start(way, tbot, "--timeout", "1", environ=endpoint_variables(black_hole)) as started:
        pid = int(started.line())
        started.senders(pid)
        started.wait_until_sent(pid)
        assert time.monotonic() - began < 1 + A_SECOND + SLACK
        # No one who was asked for the version is left either: all have the same variables.


@pytest.mark.parametrize("way", WITH_SENDER)
def test_stopped_sender(way: str, tbot: Path, black_hole: str) -> None:
    """A sender that someone has stopped dies at its deadline, too."""
    with start(way, tbot, "--timeout", "1", environ=endpoint_variables(black_hole)) as started:
        pid = int(started.line())
        guard, worker, *_ = started.senders(pid)
        assert worker in procfs.children(guard)
        os.kill(worker, signal.SIGSTOP)
        started.wait_until_sent(pid)


@pytest.mark.parametrize("way", WITH_SENDER)
def test_blocked_alarm(way: str, tbot: Path, black_hole: str) -> None:
    """The deadline holds where the signals that make it were blocked or ignored by the caller that started us."""

    def prepare() -> None:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())

    with start(way, tbot, "--timeout=1", environ=endpoint_variables(black_hole), preexec_fn=prepare) as started:
        pid = int(started.line())
        started.senders(pid)
        started.wait_until_sent(pid, within=1 + A_SECOND + SLACK)


@pytest.mark.parametrize("way", WITH_SENDER)
def test_children_ignored(way: str, tbot: Path, receiver: OTLPReceiver) -> None:
    """The sender ends when its work is done, also where the caller that started us ignores the end of children."""

    def prepare() -> None:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)

    with start(
        way, tbot, "--timeout=300", environ=endpoint_variables(receiver.http_endpoint), preexec_fn=prepare
    ) as started:
        pid = int(started.line())
        receiver.wait_for_requests(1, timeout=WITHIN)
        started.wait_until_sent(pid)
