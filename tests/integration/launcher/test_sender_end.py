"""The sender always ends by its deadline."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.integration.launcher.processes import (
    WITH_SENDER,
    WITHIN,
    endpoint_variables,
    outcome,
    start,
    started_with_outcome,
)
from tests.support.fake_tbot import WAITS, shell_script

if TYPE_CHECKING:
    from pathlib import Path

    from otel_tbot.testing import OTLPReceiver

pytestmark = pytest.mark.usefixtures("_needs_proc")


@pytest.mark.parametrize("way", WITH_SENDER)
@pytest.mark.parametrize("version", ["exit", "exec sleep 60", "sleep 60 & sleep 60"])
def test_deadline(way: str, version: str, tmp_path: Path, black_hole: str) -> None:
    """A sender without an answer from its backend or from tbot ends soon after its deadline."""
    tbot = shell_script(tmp_path, WAITS, version=version)
    # With more time than the executable gets for its version.
    options = ["--timeout", "5" if "&" in version else "1"]
    with started_with_outcome(way, tbot, *options, environ=endpoint_variables(black_hole)) as (started, reading):
        assert outcome(reading)["status"] == "failed"
        # No process that was run for the version is left either: all have the same variables.
        started.wait_until_sent(int(started.line()))


@pytest.mark.parametrize("way", WITH_SENDER)
def test_stopped_sender(way: str, tbot: Path, black_hole: str) -> None:
    """A stopped sender ends at its deadline, too."""
    with start(way, tbot, "--timeout", "5", environ=endpoint_variables(black_hole)) as started:
        pid = int(started.line())
        _, worker = started.senders(pid)
        os.kill(worker, signal.SIGSTOP)
        started.wait_until_sent(pid)


@pytest.mark.parametrize("way", WITH_SENDER)
def test_blocked_alarm(way: str, tbot: Path, black_hole: str) -> None:
    """The deadline holds even if the caller blocked or ignored the signals that implement it."""

    def prepare() -> None:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())

    environ = endpoint_variables(black_hole)
    with started_with_outcome(way, tbot, "--timeout=1", environ=environ, preexec_fn=prepare) as (started, reading):
        assert outcome(reading)["status"] == "failed"
        started.wait_until_sent(int(started.line()))


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
