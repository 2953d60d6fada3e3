"""Values of 10 MB, which a process cannot inherit but can set: one line, no repetition, and bounded work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from tempfile import TemporaryFile
from typing import IO, NamedTuple

import pytest

from otel_tbot.testing import OTLPReceiver
from tests.support.program import SOURCE

LENGTH = 10_000_000
MOST_COPIES = 12  # of the value, in memory at once
MOST_SECONDS = 8  # of processor time; it takes half a second

# Sets the variables, and becomes `otel-tbot emit`.
PROGRAM = f"""
import json, os, sys
for name, (beginning, repeated) in json.loads(sys.argv.pop(1)).items():
    os.environ[name] = (beginning + repeated * ({LENGTH} // (len(repeated) or 1)))[:{LENGTH}]
from otel_tbot.__main__ import main
main()
"""


class Case(NamedTuple):
    """A variable and its value, and the message and status of `emit`."""

    variable: str
    repeated: str
    message: str
    status: int = 2
    beginning: str = ""
    lines: int = 1


SENT = "tbot.start sent to"
TOO_LONG = "must have at most 131072 characters"
CASES = {
    "consent": Case("TELEPORT_ANONYMOUS_TELEMETRY", "1", "is not exactly 1", 0),
    "refusal": Case("DO_NOT_TRACK", "0", "nothing sent: DO_NOT_TRACK is set", 0),
    "switch": Case("OTEL_SDK_DISABLED", "true", SENT, 0),
    "configuration": Case("TBOT_CONFIG", "QUFB", "is larger than 1048576 bytes"),
    "invalid configuration": Case("TBOT_CONFIG", "canary ", "not valid base64"),
    "path": Case("TBOT_CONFIG_PATH", "canary/", "the configuration file cannot be read"),
    "helper": Case("_TBOT_TELEMETRY_HELPER", "canary", SENT, 0),
    "headers": Case("OTEL_EXPORTER_OTLP_HEADERS", "canary=%41,", TOO_LONG),
    "endpoint": Case("OTEL_EXPORTER_OTLP_ENDPOINT", "canary", TOO_LONG, beginning="http://"),
    "timeout": Case("OTEL_EXPORTER_OTLP_TIMEOUT", "9", "it counts as unset", 0, lines=2),
    "certificate": Case("OTEL_EXPORTER_OTLP_CERTIFICATE", "canary", TOO_LONG),
    "signal": Case("OTEL_TBOT_SIGNAL", "canary", "OTEL_TBOT_SIGNAL must be logs or traces"),
    "resource": Case("OTEL_RESOURCE_ATTRIBUTES", "canary=canary,", SENT, 0),
}


class CompletedRun(NamedTuple):
    """The exit status of `emit`, its output, its peak memory and its processor time."""

    status: int
    stdout: str
    stderr: str
    bytes: int
    seconds: float


def emit(receiver: OTLPReceiver, variables: dict[str, tuple[str, str]]) -> CompletedRun:
    """Run `otel-tbot emit` with variables that only a process itself can set."""
    options = ("emit", "--tbot-version=1", "tbot", "start")
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(SOURCE),
        "TELEPORT_ANONYMOUS_TELEMETRY": "1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint,
    }
    command = [sys.executable, "-c", PROGRAM, json.dumps(variables), *options]
    with TemporaryFile() as output, TemporaryFile() as errors:
        process = subprocess.Popen(command, env=environ, stdout=output, stderr=errors)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        printed, errors_text = map(_content, (output, errors))
    unit = 1 if sys.platform == "darwin" else 1024
    return CompletedRun(process.returncode, printed, errors_text, used.ru_maxrss * unit, used.ru_utime + used.ru_stime)


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


@pytest.fixture(scope="module")
def usual() -> CompletedRun:
    """Run `emit` with usual values."""
    with OTLPReceiver() as receiver:
        ended = emit(receiver, {})
    assert ended.stderr.startswith(f"otel-tbot: {SENT}")
    return ended


@pytest.mark.parametrize("name", CASES)
def test_emit(name: str, usual: CompletedRun, receiver: OTLPReceiver) -> None:
    """Any variable that is read may be huge: `emit` prints one short line, and keeps few copies."""
    case = CASES[name]
    ended = emit(receiver, {case.variable: (case.beginning, case.repeated)})
    assert (ended.status, ended.stdout, ended.stderr.count("\n")) == (case.status, "", case.lines)
    assert case.message in ended.stderr
    assert "canary" not in ended.stderr
    assert len(ended.stderr) < 200 * case.lines
    assert ended.bytes - usual.bytes < MOST_COPIES * LENGTH
    assert ended.seconds - usual.seconds < MOST_SECONDS
    assert all(b"canary" not in request.body for request in receiver.requests)
