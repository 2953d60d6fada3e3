"""The instructions that the processor runs for a call, counted by valgrind: their ratios depend on no machine."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import pytest

from otel_tbot import StartEvent
from tests.support.program import SOURCE

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
