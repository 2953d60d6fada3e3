"""The sender always ends by its deadline."""

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
SLACK = 10.0  # seconds for a busy machine: the start of the interpreter, and the next check of the test


@pytest.mark.parametrize("way", WITH_SENDER)
@pytest.mark.parametrize("version", ["exit", "exec sleep 60", "sleep 60 & sleep 60"])
def test_deadline(way: str, version: str, tmp_path: Path, black_hole: str) -> None:
    """A sender without an answer from its backend or from tbot ends at most a second after its deadline."""
    tbot = shell_script(tmp_path, WAITS, version=version)
    began = time.monotonic()
    with start(way, tbot, "--timeout", "1", environ=endpoint_variables(black_hole)) as started:
        pid = int(started.line())
        started.senders(pid)
        started.wait_until_sent(pid)
        assert time.monotonic() - began < 1 + A_SECOND + SLACK
        # No process that was run for the version is left either: all have the same variables.


@pytest.mark.parametrize("way", WITH_SENDER)
def test_stopped_sender(way: str, tbot: Path, black_hole: str) -> None:
    """A stopped sender ends at its deadline, too."""
    with start(way, tbot, "--timeout", "1", environ=endpoint_variables(black_hole)) as started:
        pid = int(started.line())
        guard, worker, *_ = started.senders(pid)
        assert worker in procfs.children(guard)
        os.kill(worker, signal.SIGSTOP)
        started.wait_until_sent(pid)


@pytest.mark.parametrize("way", WITH_SENDER)
def test_blocked_alarm(way: str, tbot: Path, black_hole: str) -> None:
    """The deadline holds even if the caller blocked or ignored the signals that implement it."""

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
    """The sender ends when its work is done, even if the caller ignores SIGCHLD."""

    def prepare() -> None:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)

    with start(
        way, tbot, "--timeout=300", environ=endpoint_variables(receiver.http_endpoint), preexec_fn=prepare
    ) as started:
        pid = int(started.line())
        receiver.wait_for_requests(1, timeout=WITHIN)
        started.wait_until_sent(pid)
