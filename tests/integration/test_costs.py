"""Costs, counted instead of timed, so that additional work fails on any machine.

The benchmarks measure the time.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.otlp_environment import otlp_variables
from tests.support.program import SOURCE

if TYPE_CHECKING:
    from pathlib import Path

    from otel_tbot.testing import OTLPReceiver

START = ["--tbot-version", "18.2.3", "tbot", "start", "--oneshot"]
HEAVY = {"click", "google", "grpc", "opentelemetry", "requests", "urllib3", "yaml"}
HAND_WRITTEN = SOURCE / "benchmarks" / "handwritten.py"


def loaded(program: list[str], environ: dict[str, str], cwd: Path) -> set[str]:
    """Return the modules that a program loads, as `-X importtime` lists them."""
    command = [sys.executable, "-X", "importtime", *program]
    variables = {"PYTHONPATH": str(SOURCE), "TELEPORT_ANONYMOUS_TELEMETRY": "1", **environ}
    ended = subprocess.run(command, env=variables, cwd=cwd, capture_output=True, text=True, check=True)
    return {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines() if line.startswith("import time:")}


@pytest.mark.parametrize(
    ("command", "packages"),
    [
        (["status"], {"click"}),
        (["schema"], {"click"}),
        (["preview", *START], {"click", "opentelemetry"}),
        (["preview", "--format", "json", *START], {"click", "opentelemetry", "google"}),
    ],
    ids=lambda value: " ".join(value[:3]) if isinstance(value, list) else "",
)
def test_packages_of_a_command(tmp_path: Path, command: list[str], packages: set[str]) -> None:
    """Commands that only show something load no transport, and no YAML if no configuration is read."""
    modules = loaded(["-m", "otel_tbot", *command], {}, tmp_path)
    assert {name.partition(".")[0] for name in modules} & HEAVY == packages


def test_sdk_is_not_loaded_for_text(tmp_path: Path) -> None:
    """A preview as text loads the SDK's version, and no other module of it."""
    modules = loaded(["-m", "otel_tbot", "preview", *START], {}, tmp_path)
    assert {name for name in modules if name.startswith("opentelemetry.sdk.")} == {"opentelemetry.sdk.version"}


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_packages_of_a_delivery(receiver: OTLPReceiver, tmp_path: Path, protocol: str) -> None:
    """One protocol does not load the other's transport, and one signal does not load the other's messages."""
    modules = loaded(["-m", "otel_tbot", "emit", *START], otlp_variables(receiver, protocol), tmp_path)
    assert receiver.log_records
    packages = {name.partition(".")[0] for name in modules} & HEAVY
    transport = {"grpc"} if protocol == "grpc" else {"requests", "urllib3"}
    assert packages == {"click", "google", "opentelemetry", *transport}


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_modules_of_a_delivery(receiver: OTLPReceiver, tmp_path: Path, protocol: str) -> None:
    """Sending an event loads at most a quarter more modules than a script written by hand for it."""
    (tmp_path / "tbot.yaml").write_text("onboarding:\n  join_method: github\nservices: []\n")
    environ = otlp_variables(receiver, protocol)
    ours = loaded(["-m", "otel_tbot", "emit", *START, "-c", "tbot.yaml"], environ, tmp_path)
    theirs = loaded([str(HAND_WRITTEN), protocol, "tbot.yaml"], environ, tmp_path)
    assert len(receiver.log_records) == 2
    assert len(ours) <= len(theirs) * 1.25
