"""Tbot runs even if something around it is missing or broken."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from tests.integration.launcher.processes import (
    NOWHERE,
    PROGRAM,
    RUN,
    WITH_SENDER,
    WITHIN,
    RunningProcess,
    start,
    works,
)
from tests.support.program import SOURCE

if TYPE_CHECKING:
    from pathlib import Path

    from otel_tbot.testing import OTLPReceiver

CONSENT = {"TELEPORT_ANONYMOUS_TELEMETRY": "1"}


@pytest.mark.parametrize(("way", "generation"), [("on", 0), ("on", 1), ("on", 2), ("supervised", 0), ("supervised", 1)])
def test_fork_refused(way: str, generation: int, tbot: Path) -> None:
    """Tbot runs no matter which of our processes the system fails to start."""
    script = f"""
import os, sys
fork, generation = os.fork, 0
def refuse():
    global generation
    if generation == {generation}:
        raise BlockingIOError(11, "Resource temporarily unavailable")
    if (pid := fork()) == 0:
        generation += 1
    return pid
os.fork = refuse
from otel_tbot.launcher import sender
from otel_tbot.launcher.run import run
sender._MAX_WAIT = {WITHIN}
sys.exit(run(sys.argv[1:]))
"""
    options = ["--supervise"] if way == "supervised" else []
    command = [sys.executable, "-c", script, *options, str(tbot), "start"]
    with RunningProcess(command, {**NOWHERE, **CONSENT}) as started:
        assert started.line().isdigit()
        status, _, errors = started.finish("7\n")
    # Only a parent learns that its sender could not start the process that sends.
    assert (status, len(errors.splitlines())) == (7, 2 if (way, generation) == ("supervised", 1) else 1)
    # A failure within the sender itself comes too late for the notice.
    assert ("is not reported" in errors) == (generation < (2 if way == "on" else 1))


@pytest.mark.parametrize("way", ["off", *WITH_SENDER])
def test_process_limit(way: str) -> None:
    """If the limit on processes is already reached, only the sender is missing."""
    limit = ["prlimit", "--nproc=0"]
    if os.getuid() == 0:
        # The limit does not apply to root. Another user must still be able to read files that may be in root's home.
        capability = "-all,+dac_read_search"
        user = [
            "--reuid=54321",
            "--regid=54321",
            "--clear-groups",
            f"--inh-caps={capability}",
            "--ambient-caps=+dac_read_search",
        ]
        limit = ["setpriv", *user, "--", *limit]
    attempt = [*limit, sys.executable, "-c", "import os; os.fork()"]
    if b"BlockingIOError" not in subprocess.run(attempt, check=False, capture_output=True).stderr:
        pytest.skip("processes cannot be limited here")
    options = ["--supervise"] if way == "supervised" else []
    consent = {} if way == "off" else CONSENT
    with RunningProcess([*limit, *RUN, *options, "echo", "start"], {**NOWHERE, **consent}) as started:
        status, output, errors = started.finish()
    assert (status, output) == (0, "start\n")
    assert ("is not reported" in errors) == (way != "off")
    assert len(errors.splitlines()) == (way != "off")


@pytest.mark.parametrize("way", ["off", *WITH_SENDER])
def test_descriptor_limit(way: str) -> None:
    """The number of descriptors that the interpreter itself needs to start is enough."""
    limit = next(number for number in range(4, 20) if _bare_interpreter_starts(number))
    options = ["--supervise"] if way == "supervised" else []
    consent = {} if way == "off" else CONSENT
    command = [sys.executable, "-c", PROGRAM, "run", *options, "echo", "start"]
    with RunningProcess(command, {**NOWHERE, **consent}, preexec_fn=lambda: _limit_descriptors(limit)) as started:
        assert started.finish()[:2] == (0, "start\n")


def _bare_interpreter_starts(limit: int) -> bool:
    attempt = subprocess.run(
        [sys.executable, "-c", "pass"], check=False, capture_output=True, preexec_fn=lambda: _limit_descriptors(limit)
    )
    return attempt.returncode == 0


def _limit_descriptors(number: int) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))


@pytest.mark.parametrize("way", ["off", *WITH_SENDER])
@pytest.mark.parametrize("unset", ["HOME", "USER", "TMPDIR"])
def test_no_home(way: str, unset: str, tbot: Path) -> None:
    """All variables except PATH, and the home, may be missing."""
    environ = {**NOWHERE, unset: "/no/such/folder"} if unset == "HOME" else NOWHERE
    assert works(start(way, tbot, environ=environ))


@pytest.mark.parametrize("way", ["off", *WITH_SENDER])
def test_working_directory_deleted(way: str, tbot: Path, tmp_path: Path) -> None:
    """The working directory may have been deleted."""
    gone = tmp_path / "gone"
    gone.mkdir()

    assert works(start(way, tbot, environ=NOWHERE, cwd=gone, preexec_fn=gone.rmdir))


@pytest.mark.parametrize("way", WITH_SENDER)
@pytest.mark.parametrize("broken", ["opentelemetry", "yaml", "click", "requests", "google"])
def test_broken_installation(way: str, broken: str, tbot: Path, tmp_path: Path) -> None:
    """An installation with a broken library starts tbot like any other."""
    place = tmp_path / "broken" / broken
    place.mkdir(parents=True)
    (place / "__init__.py").write_text("raise SystemExit('broken')")
    environ = {**NOWHERE, "PYTHONPATH": f"{place.parent}:{SOURCE}"}
    assert works(start(way, tbot, environ=environ))


# Modules that `run` loads only once it has consent.
LATE = ["cgroup_limits", "container_main_process", "descriptors", "group_signal_probe", "outcome_fd", "precheck"]
LATE += ["sender", "start_sender", "subcommand_check", "supervise", "version_format", "worker"]


@pytest.mark.parametrize("broken", LATE)
@pytest.mark.parametrize("way", WITH_SENDER)
def test_broken_package(way: str, broken: str, tbot: Path) -> None:
    """If our own files are missing, as during an upgrade, the loaded ones are enough to start tbot."""
    assert find_spec(f"otel_tbot.launcher.{broken}")
    script = f"""
import sys
sys.modules["otel_tbot.launcher.{broken}"] = None
from otel_tbot.launcher.run import run
sys.exit(run(sys.argv[1:]))
"""
    options = ["--supervise"] if way == "supervised" else []
    assert works(RunningProcess([sys.executable, "-c", script, *options, str(tbot), "start"], {**NOWHERE, **CONSENT}))


@pytest.mark.parametrize("way", WITH_SENDER)
def test_read_only_file_system(way: str, tbot: Path, receiver: OTLPReceiver) -> None:
    """If all file systems are read-only, tbot runs and the event arrives."""
    mount = [
        "unshare",
        "--mount",
        "sh",
        "-c",
        'mount -o remount,bind,ro / && mount --bind -o ro /tmp /tmp && exec "$@"',
        "sh",
    ]
    if subprocess.run([*mount, "true"], check=False, capture_output=True).returncode:
        pytest.skip("the system refuses to make its file systems read-only for one process")
    options = ["--supervise"] if way == "supervised" else []
    environ = {**CONSENT, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint}
    with RunningProcess([*mount, *RUN, *options, str(tbot), "start"], environ) as started:
        assert started.line().isdigit()
        receiver.wait_for_requests(1, timeout=WITHIN)
        assert started.finish("7\n")[0] == 7
