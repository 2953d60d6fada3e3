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
# An event has nine values; consent reads three variables, and a drop one.
LIMITS = {"values": 8, "an event": 17, "consent": 5, "a drop": 1.5}


def _instructions(valgrind: str, call: str) -> int:
    program = (
        f"import os, sys; sys.path.insert(0, {json.dumps(str(SOURCE))})\n"
        "import otel_tbot; from otel_tbot import event, opt_in; otel_tbot.consent\n"
        f"otel_tbot.StartEvent.from_attributes({EVENT.attributes!r})\n"  # compiles the patterns
        f"for _ in range({CALLS}): {call}"
    )
    counting = [valgrind, "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    command = [sys.executable, "-S", "-c", program]  # -S: no other package is needed, and searching for them is slow
    environ = {"PYTHONHASHSEED": "0"}
    subprocess.run(command, env=environ, check=True)  # so that all byte code exists
    ended = subprocess.run([*counting, *command], env=environ, capture_output=True, text=True, check=True)
    return int(re.findall(r"I\s+refs:\s+([0-9,]+)", ended.stderr)[0].replace(",", ""))


@pytest.mark.timeout(300)  # seconds; valgrind is slow
def test_instructions() -> None:
    """Each call costs at most as much as this many lookups of a variable."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        pytest.skip("valgrind is not installed")
    counted = {what: _instructions(valgrind, call) for what, call in LOOPS.items()}
    lookup = counted["os.environ.get"] - counted["nothing"]
    lookups = {what: (counted[what] - counted["nothing"]) / lookup for what in LIMITS}
    assert {what: number for what, number in lookups.items() if number > LIMITS[what]} == {}
