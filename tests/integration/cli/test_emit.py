"""`otel-tbot emit` sends the event, reports the outcome in one line, and ends with the contract's status."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from otel_tbot.launcher.version_format import UNUSABLE
from otel_tbot.testing import OTLPReceiver, Reply
from tests.promises.start_environments import (
    interpreter_descriptor_limit,
    interpreter_memory_limit,
)
from tests.promises.tbot_process import preparing_command
from tests.support.otlp_environment import otlp_variables
from tests.support.program import PATIENT, SOURCE, VERSION, install_fake_tbot, run

if TYPE_CHECKING:
    from pathlib import Path

ON = {"TELEPORT_ANONYMOUS_TELEMETRY": "1"}
EMIT = [sys.executable, "-m", "otel_tbot", "emit", "--timeout=5", "--tbot-version=1", "tbot", "start"]


@pytest.fixture(params=["http/protobuf", "http/json", "grpc"])
def environ(request: pytest.FixtureRequest, receiver: OTLPReceiver) -> dict[str, str]:
    """The variables of an operator who opted in, for each protocol."""
    endpoint = receiver.grpc_endpoint if request.param == "grpc" else receiver.http_endpoint
    return {**ON, "OTEL_EXPORTER_OTLP_PROTOCOL": request.param, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}


def test_sent(receiver: OTLPReceiver, environ: dict[str, str], tmp_path: Path) -> None:
    """A sent event is reported in one line on stderr, and the status is 0."""
    path = install_fake_tbot(tmp_path / "bin")
    ended = run("emit", "tbot", "start", "--oneshot", environ=environ, path=path, python=PATIENT)
    shown = environ["OTEL_EXPORTER_OTLP_ENDPOINT"] + ("" if "grpc" in environ.values() else "/v1/logs")
    assert (ended.returncode, ended.stdout) == (0, "")
    assert ended.stderr == f"otel-tbot: tbot.start sent to {shown}\n"
    (record,) = receiver.log_records
    assert (record.attributes["tbot.run_mode"], record.attributes["tbot.version"]) == ("one-shot", VERSION)


def test_unusable_version(receiver: OTLPReceiver, environ: dict[str, str]) -> None:
    """An invalid --tbot-version is left out, and one line says so before the outcome."""
    ended = run("emit", "--tbot-version", "latest", "tbot", "start", environ=environ)
    left_out, outcome = ended.stderr.splitlines()
    assert left_out == f"otel-tbot: {UNUSABLE}"
    assert outcome.startswith("otel-tbot: tbot.start sent to ")
    assert "tbot.version" not in receiver.log_records[0].attributes


def test_not_delivered(receiver: OTLPReceiver, environ: dict[str, str]) -> None:
    """A refusal of the backend is reported in one line with the reason, and the status is 1."""
    receiver.reply(Reply(status=403))
    ended = run("emit", "tbot", "start", environ=environ)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("otel-tbot: tbot.start not delivered to http://127.0.0.1:")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_refused_connection(protocol: str) -> None:
    """A refused connection gives one line and status 1, within the timeout."""
    dead = {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    ended = run("emit", "--timeout", "0.5", "tbot", "start", environ={**ON, **dead})
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)


@pytest.mark.parametrize("tls_fault", ["https", "http"])
@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_no_library_prints(receiver: OTLPReceiver, protocol: str, tls_fault: str) -> None:
    """TLS against a backend without it, or a port that speaks another protocol: still one line."""
    wrong = receiver.http_endpoint if protocol == "grpc" else receiver.grpc_endpoint
    fault = {
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_ENDPOINT": wrong.replace("http", tls_fault, 1),
    }
    ended = run("emit", "--timeout", "1", "tbot", "start", environ={**ON, **fault})
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)


@pytest.mark.parametrize(
    ("off", "reason"),
    [
        ({}, "TELEPORT_ANONYMOUS_TELEMETRY is not set"),
        ({"TELEPORT_ANONYMOUS_TELEMETRY": "0"}, "TELEPORT_ANONYMOUS_TELEMETRY is not exactly 1"),
        ({"TELEPORT_ANONYMOUS_TELEMETRY": "true"}, "TELEPORT_ANONYMOUS_TELEMETRY is not exactly 1, though tbot itself"),
        ({**ON, "DO_NOT_TRACK": "1"}, "DO_NOT_TRACK is set"),
        ({**ON, "OTEL_SDK_DISABLED": "true"}, "OTEL_SDK_DISABLED is true"),
    ],
)
def test_off(receiver: OTLPReceiver, tmp_path: Path, off: dict[str, str], reason: str) -> None:
    """Off is reported with its reason and status 0: no connection, no OpenTelemetry loaded, tbot not run."""
    path = install_fake_tbot(tmp_path / "bin", f"touch {tmp_path / 'asked'}")
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint, "PYTHONPROFILEIMPORTTIME": "1", **off}
    ended = run("emit", "tbot", "start", "-c", "missing.yaml", environ=variables, path=path)
    lines = [line for line in ended.stderr.splitlines() if not line.startswith("import time:")]
    loaded = [line for line in ended.stderr.splitlines() if line.startswith("import time:")]
    assert (ended.returncode, ended.stdout) == (0, "")
    assert len(lines) == 1
    assert lines[0].startswith(f"otel-tbot: nothing sent: {reason}")
    assert any("otel_tbot" in line for line in loaded)
    assert not [line for line in loaded if "opentelemetry" in line or "yaml" in line or "socket" in line]
    assert (receiver.connections, receiver.requests) == (0, [])
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize("variables", [{}, ON])
def test_another_command(variables: dict[str, str]) -> None:
    """A command that is not start reports nothing: status 2, on or off."""
    ended = run("emit", "tbot", "version", environ=variables)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--bogus", "tbot", "start"),
        ("--timeout", "0", "tbot", "start"),
        ("--timeout", "soon", "tbot", "start"),
        ("--signal", "metrics", "tbot", "start"),
        ("--tbot-version",),
        ("tbot",),
        ("tbot", "start", "--Bogus"),
    ],
)
def test_bad_usage(receiver: OTLPReceiver, arguments: tuple[str, ...]) -> None:
    """A usage error gives one line on stderr and status 2, and nothing is sent."""
    ended = run("emit", *arguments, environ={**ON, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint})
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert ended.stderr.startswith("otel-tbot: ")
    assert receiver.connections == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_TBOT_SIGNAL", "canary"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "canary"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "canary"),
    ],
)
def test_unusable_variable(name: str, value: str) -> None:
    """An invalid variable is named in one line, without its value: status 2."""
    ended = run("emit", "tbot", "start", environ={**ON, name: value})
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert name in ended.stderr
    assert "canary" not in ended.stderr


@pytest.mark.parametrize("protocol", ["HTTP/protobuf", "gRPC"])
@pytest.mark.parametrize(
    "variable",
    ["TIMEOUT=canary", "TIMEOUT=0", "TIMEOUT=-1", "COMPRESSION=zstd", "COMPRESSION=canary", "INSECURE=1"],
)
def test_unparsable_variable(receiver: OTLPReceiver, variable: str, protocol: str) -> None:
    """An invalid transport variable gives one warning without its value, and the event is sent: status 0."""
    name, _, value = f"OTEL_EXPORTER_OTLP_{variable}".partition("=")
    environ = {**otlp_variables(receiver, protocol.lower()), "OTEL_EXPORTER_OTLP_PROTOCOL": protocol, name: value}
    ended = run("emit", "--tbot-version=1", "tbot", "start", environ={**ON, **environ})
    warning, sent = ended.stderr.splitlines()
    assert (ended.returncode, ended.stdout) == (0, "")
    assert warning.startswith(f"otel-tbot: {name} must be ")
    assert "canary" not in warning
    assert sent.startswith("otel-tbot: tbot.start sent to ")
    assert len(receiver.log_records) == 1


def test_retryable_codes(receiver: OTLPReceiver) -> None:
    """An invalid variable of the gRPC exporter itself is named in one warning, and the event is sent."""
    name = "OTEL_PYTHON_EXPORTER_OTLP_GRPC_RETRYABLE_ERROR_CODES"
    environ = {**ON, **otlp_variables(receiver, "grpc"), name: "canary"}
    ended = run("emit", "--tbot-version=1", "tbot", "start", environ=environ)
    warning, sent = ended.stderr.splitlines()
    assert warning.startswith(f"otel-tbot: {name} must name ")
    assert "canary" not in warning
    assert (ended.returncode, sent) == (0, f"otel-tbot: tbot.start sent to {receiver.grpc_endpoint}")


def test_credentials_are_masked(receiver: OTLPReceiver) -> None:
    """The line that says where the event went shows no credentials."""
    endpoint = receiver.http_endpoint.replace("//", "//user:canary@")
    ended = run("emit", "tbot", "start", environ={**ON, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint})
    assert ended.returncode == 0
    assert "canary" not in ended.stderr
    assert "***@127.0.0.1" in ended.stderr


def test_closed_stderr(receiver: OTLPReceiver) -> None:
    """Without stderr, the command still sends, ends with status 0, and does not write to stdout instead."""
    script = 'exec "$0" -m otel_tbot emit tbot start 2>&-'
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), **ON}
    environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = receiver.http_endpoint
    ended = subprocess.run(
        ["sh", "-c", script, sys.executable], env=environ, check=True, timeout=60, stdout=subprocess.PIPE
    )
    assert ended.stdout == b""
    assert len(receiver.log_records) == 1


# The resource limits, and whether an event can then be sent over HTTP. gRPC needs more.
LIMITS = {
    "RLIMIT_NOFILE": (interpreter_descriptor_limit, True),
    "RLIMIT_AS": (interpreter_memory_limit, False),
}


@pytest.mark.parametrize("name", LIMITS)
def test_limits(name: str, environ: dict[str, str]) -> None:
    """If the system grants little more than the interpreter needs to start, there is one line and its status."""
    limit, enough = LIMITS[name]
    ended = subprocess.run(
        [*preparing_command(f"resource.setrlimit(resource.{name}, ({limit()}, {limit()}))"), *EMIT],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), **environ},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    sent = enough and "grpc" not in environ.values()
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (0 if sent else 1, "", 1)
    assert ended.stderr.startswith(f"otel-tbot: tbot.start {'sent' if sent else 'not delivered'} to ")


def test_credential_provider() -> None:
    """A credential provider that a variable names is reported as ignored, in one line."""
    name = "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER"
    ended = run("emit", "--timeout=0.2", "--tbot-version=1", "tbot", "start", environ={**ON, name: "canary"})
    assert ended.stderr.startswith(f"otel-tbot: {name} is ignored, ")
    assert "canary" not in ended.stdout + ended.stderr
