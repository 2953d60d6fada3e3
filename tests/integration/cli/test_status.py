"""`otel-tbot status` shows consent and its reason, and where an event would go."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from otel_tbot import __version__
from tests.support.program import run

if TYPE_CHECKING:
    from pathlib import Path

ON = {"TELEPORT_ANONYMOUS_TELEMETRY": "1"}


def test_text() -> None:
    """The text has a line each for consent, signal, protocol, endpoint, timeout and version."""
    ended = run("status")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == [
        "consent   off: TELEPORT_ANONYMOUS_TELEMETRY is not set",
        "signal    logs",
        "protocol  http/protobuf",
        "endpoint  http://localhost:4318/v1/logs",
        "timeout   10 s",
        f"version   {__version__}",
    ]


def test_json() -> None:
    """The JSON has the same content, and credentials in the endpoint are masked."""
    variables = {
        **ON,
        "OTEL_TBOT_SIGNAL": "traces",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "10000",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://user:canary@example.org/v1/traces?key=canary",
    }
    ended = run("status", "--format", "json", environ=variables)
    assert json.loads(ended.stdout) == {
        "consent": {
            "on": True,
            "variable": "TELEPORT_ANONYMOUS_TELEMETRY",
            "reason": "TELEPORT_ANONYMOUS_TELEMETRY is 1",
        },
        "signal": "traces",
        "protocol": "http/protobuf",
        "endpoint": "https://***@example.org/v1/traces?***",
        "timeout": "10 s",
        "version": __version__,
    }
    assert ended.stderr == "otel-tbot: OTEL_EXPORTER_OTLP_TIMEOUT is above 300 and was read as milliseconds\n"


@pytest.mark.parametrize(
    ("variables", "status"),
    [
        ({}, 1),
        (ON, 0),
        ({"TELEPORT_ANONYMOUS_TELEMETRY": "true"}, 1),
        ({**ON, "DO_NOT_TRACK": "1"}, 1),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "nonsense"}, 1),
        ({**ON, "OTEL_EXPORTER_OTLP_PROTOCOL": "nonsense"}, 0),
    ],
)
def test_check(variables: dict[str, str], status: int) -> None:
    """With --check, the exit status distinguishes on from off, regardless of the other variables."""
    assert run("status", "--check", environ=variables).returncode == status


def test_loads_no_opentelemetry() -> None:
    """The state is reported without loading OpenTelemetry."""
    ended = run("status", environ={**ON, "PYTHONPROFILEIMPORTTIME": "1"})
    assert not [line for line in ended.stderr.splitlines() if "opentelemetry" in line]


@pytest.mark.parametrize("name", ["CERTIFICATE", "CLIENT_KEY", "LOGS_CLIENT_CERTIFICATE"])
def test_missing_file(name: str, tmp_path: Path) -> None:
    """When on, a missing certificate or key gives one line and status 2; with --check, only consent counts."""
    variables = {**ON, f"OTEL_EXPORTER_OTLP_{name}": str(tmp_path / "canary.pem")}
    ended = run("status", environ=variables)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert re.fullmatch(r"otel-tbot: the file named by \w+ \(OTEL_EXPORTER_OTLP_\w+\) does not exist\n", ended.stderr)
    assert run("status", "--check", environ=variables).returncode == 0
    assert run("status", environ={**variables, "DO_NOT_TRACK": "1"}).returncode == 0
    (tmp_path / "canary.pem").touch()
    assert run("status", environ=variables).returncode == 0


def test_credential_provider() -> None:
    """A credential provider that a variable names is reported as ignored, in one line."""
    name = "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER"
    ended = run("status", environ={**ON, name: "canary"})
    assert ended.returncode == 0
    assert ended.stderr == (
        f"otel-tbot: {name} is ignored, as the code that it names is not loaded: use OTEL_EXPORTER_OTLP_HEADERS\n"
    )
