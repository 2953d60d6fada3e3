"""Tbot in a real control group with little room: the sender leaves tbot the memory and tasks that it needs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from otel_tbot.testing import Reply
from tests.integration.launcher.control_groups import ENTER, control_group
from tests.integration.launcher.processes import endpoint_variables
from tests.support.fake_tbot import python_script, shell_script
from tests.support.program import SOURCE

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from otel_tbot.testing import OTLPReceiver

ROOT = Path("/sys/fs/cgroup")
MIB = 1024 * 1024
# Allocates memory after a moment, when the sender has loaded its libraries.
NEEDS_MEMORY = "import time\ntime.sleep(0.5)\nneeded = b'x' * (80 * 1024 * 1024)\ntime.sleep(1)\nprint('tbot has run')"


def limited(controller: str, **limits: int) -> AbstractContextManager[Path]:
    """Create a control group with limits of one controller; their names are those of version 1."""
    return control_group(ROOT / controller if (ROOT / controller).is_dir() else ROOT, **limits)


def run_in(folder: Path, tbot: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run tbot in a control group."""
    command = [sys.executable, "-m", "otel_tbot", "run", str(tbot), "start"]
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), "TELEPORT_ANONYMOUS_TELEMETRY": "1", **environ}
    return subprocess.run(
        ["sh", "-c", ENTER, str(folder), *command],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_memory(tmp_path: Path, receiver: OTLPReceiver, protocol: str) -> None:
    """When memory runs out, the kernel kills the sender and not tbot."""
    receiver.reply(Reply(delay=20))  # the sender still runs, with everything loaded, when tbot needs the memory
    endpoint = receiver.grpc_endpoint if protocol == "grpc" else receiver.http_endpoint
    environ = endpoint_variables(endpoint, OTEL_EXPORTER_OTLP_PROTOCOL=protocol)
    tbot = python_script(tmp_path, NEEDS_MEMORY)
    ends: list[tuple[int, str]] = []
    # Until the memory of a killed sender is free, the kernel may run out again, and then only tbot is left to kill.
    while len(ends) < 3 and (0, "tbot has run\n") not in ends:
        with limited("memory", memory__limit_in_bytes=96 * MIB) as group:
            ended = run_in(group, tbot, environ)
        ends.append((ended.returncode, ended.stdout))
    assert (0, "tbot has run\n") in ends


def test_too_few_tasks(tmp_path: Path, receiver: OTLPReceiver) -> None:
    """If few tasks are left, they are left to tbot, and one line says so."""
    tbot = shell_script(tmp_path, "echo tbot has run")
    with limited("pids", pids__max=16) as group:
        ended = run_in(group, tbot, endpoint_variables(receiver.http_endpoint))
    assert (ended.returncode, ended.stdout) == (0, "tbot has run\n")
    reason = "its control group has less than 64 MiB of memory or 32 tasks left"
    assert ended.stderr == f"otel-tbot: this start of tbot is not reported: {reason}\n"
    assert receiver.requests == []


def test_enough_tasks(tmp_path: Path, receiver: OTLPReceiver) -> None:
    """If enough tasks are left, the event arrives."""
    tbot = shell_script(tmp_path, "echo tbot has run")
    with limited("pids", pids__max=40) as group:
        run_in(group, tbot, endpoint_variables(receiver.http_endpoint))
        receiver.wait_for_requests(1, timeout=30)


def test_too_little_memory(tmp_path: Path, receiver: OTLPReceiver) -> None:
    """If little memory is left, it is left to tbot."""
    tbot = shell_script(tmp_path, "echo tbot has run")
    with limited("memory", memory__limit_in_bytes=60 * MIB) as group:
        ended = run_in(group, tbot, endpoint_variables(receiver.http_endpoint))
    assert (ended.returncode, ended.stdout) == (0, "tbot has run\n")
    assert "is not reported" in ended.stderr
    assert receiver.requests == []
