"""Costs, counted instead of timed, so that additional work fails on any machine.

The benchmarks measure the time.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from otel_tbot import StartEvent
from tests.support.backend import otlp_variables
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


EVENT = StartEvent(
    run_mode="daemon", version="18.2.3", join_type="github", helper="gha:teleport-actions/auth", helper_version="1.0"
)
CALLS = 500
# Each calls one thing this many times; the first calls nothing. Ours are compared with a lookup, which is Python code
# like them: what is written in C, such as `json.dumps`, becomes faster from one release of Python to the next.
LOOPS = {
    "nothing": "pass",
    "os.environ.get": "os.environ.get('ABSENT')",
    "values": f"event.validate_attributes({EVENT.attributes!r})",
    "an event": f"otel_tbot.StartEvent.from_attributes({EVENT.attributes!r})",
    "consent": "otel_tbot.consent()",
    "a drop": "opt_in.is_opt_in_set()",
}


@pytest.fixture(scope="module")
def instructions() -> dict[str, float]:
    """Count the processor's instructions for each of the calls."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        pytest.skip("valgrind is not installed")
    counted = {what: _instructions(valgrind, call) for what, call in LOOPS.items()}
    return {what: (count - counted["nothing"]) / CALLS for what, count in counted.items()}


def _instructions(valgrind: str, call: str) -> int:
    program = (
        f"import os, sys; sys.path.insert(0, {json.dumps(str(SOURCE))})\n"
        "import otel_tbot; from otel_tbot import event, opt_in; otel_tbot.consent\n"
        f"otel_tbot.StartEvent.from_attributes({EVENT.attributes!r})\n"  # compiles the patterns
        f"for _ in range({CALLS}): {call}"
    )
    counting = [valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    command = [sys.executable, "-S", "-c", program]  # -S: no other package is needed, and searching for them is slow
    environ = {"PYTHONHASHSEED": "0"}
    subprocess.run(command, env=environ, check=True)  # so that all byte code exists
    ended = subprocess.run([*counting, *command], env=environ, capture_output=True, text=True, check=True)
    return int(re.findall(r"Collected : ([0-9]+)", ended.stderr)[0])


@pytest.mark.timeout(300)  # valgrind is slow, and runs in the first of these tests
def test_instructions_of_an_event(instructions: dict[str, float]) -> None:
    """Validating an event, which has nine values, costs at most as much as seventeen lookups of a variable."""
    assert instructions["an event"] <= 17 * instructions["os.environ.get"]


@pytest.mark.timeout(300)
def test_instructions_of_the_values(instructions: dict[str, float]) -> None:
    """Checking the values of a record costs at most as much as eight lookups of a variable."""
    assert instructions["values"] <= 8 * instructions["os.environ.get"]


@pytest.mark.timeout(300)
def test_instructions_of_a_drop(instructions: dict[str, float]) -> None:
    """Without consent, a record is dropped by one lookup: at most one and a half times its cost."""
    assert instructions["a drop"] <= 1.5 * instructions["os.environ.get"]


@pytest.mark.timeout(300)
def test_instructions_of_consent(instructions: dict[str, float]) -> None:
    """Checking consent costs at most five lookups of an unset variable; it reads three."""
    assert instructions["consent"] <= 5 * instructions["os.environ.get"]
