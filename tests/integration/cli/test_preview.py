"""`otel-tbot preview` shows exactly what would be sent, on or off, and opens no connection."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.support.program import PATIENT, VERSION, install_fake_tbot, run

if TYPE_CHECKING:
    from pathlib import Path

    from otel_tbot.testing import OTLPReceiver

ON = {"TELEPORT_ANONYMOUS_TELEMETRY": "1"}


def test_text(tmp_path: Path) -> None:
    """The text names every attribute with its value, and whether, why and to where it would be sent."""
    ended = run("preview", "tbot", "start", "--oneshot", path=install_fake_tbot(tmp_path / "bin"), python=PATIENT)
    assert (ended.returncode, ended.stderr) == (0, "")
    lines = ended.stdout.splitlines()
    assert lines[0] == (
        "tbot.start, as a log record, would not be sent to http://localhost:4318/v1/logs (http/protobuf): "
        "TELEPORT_ANONYMOUS_TELEMETRY is not set"
    )
    shown = dict(line.split() for line in lines if line.startswith("  "))
    assert shown["tbot.run_mode"] == "one-shot"
    assert shown["tbot.version"] == VERSION
    assert shown["tbot.destinations_other"] == "0"
    assert shown["service.name"] == "tbot"
    assert shown["session.id"] == shown["service.instance.id"]
    assert shown["name"] == "otel_tbot"


def test_on(receiver: OTLPReceiver) -> None:
    """With consent the text says so, and still no connection is opened."""
    ended = run("preview", "tbot", "start", environ={**ON, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint})
    where = f"would be sent to {receiver.http_endpoint}/v1/logs (http/protobuf): TELEPORT_ANONYMOUS_TELEMETRY is 1"
    assert where in ended.stdout
    assert receiver.connections == 0


@pytest.mark.parametrize("name", ["CERTIFICATE", "CLIENT_KEY", "LOGS_CLIENT_CERTIFICATE"])
@pytest.mark.parametrize("form", ["text", "json"])
def test_missing_file(form: str, name: str, tmp_path: Path) -> None:
    """If a certificate or key is missing, the event is shown with the note that it would not be sent."""
    variables = {**ON, f"OTEL_EXPORTER_OTLP_{name}": str(tmp_path / "canary.pem")}
    command = ("preview", "--tbot-version=1", "--format", form, "tbot", "start")
    ended = run(*command, environ=variables)
    assert ended.returncode == 0
    assert "tbot.run_mode" in ended.stdout
    said = ended.stdout.splitlines()[0] if form == "text" else ended.stderr
    assert re.search(r"would not be sent to .*: the file named by \w+ \(OTEL_EXPORTER_OTLP_\w+\) does not exist$", said)
    (tmp_path / "canary.pem").touch()
    ended = run(*command, environ=variables)
    assert "would be sent to" in ended.stdout + ended.stderr


@pytest.mark.parametrize("signal", ["logs", "traces"])
def test_json_only(signal: str) -> None:
    """As JSON, stdout has only the request; the rest is on stderr."""
    ended = run(
        "preview", "--format", "json", "--tbot-version", VERSION, "tbot", "start", environ={"OTEL_TBOT_SIGNAL": signal}
    )
    assert ended.returncode == 0
    assert list(json.loads(ended.stdout)) == ["resourceLogs" if signal == "logs" else "resourceSpans"]
    assert ended.stderr.startswith("otel-tbot: would not be sent to http://localhost:4318/v1/")
    assert ended.stderr.count("\n") == 1


def test_unknown_version_is_explained() -> None:
    """An unknown version is left out, and the reason is printed."""
    ended = run("preview", "./no-tbot-here", "start")
    assert ended.returncode == 0
    assert "tbot.version " not in ended.stdout
    assert ended.stderr.startswith("otel-tbot: tbot.version is left out: ")


def test_unusable_version_is_explained() -> None:
    """An invalid --tbot-version is left out, and the reason is printed."""
    ended = run("preview", "--tbot-version", "latest", "tbot", "start")
    assert "tbot.version " not in ended.stdout
    assert (
        ended.stderr
        == "otel-tbot: tbot.version is left out: the value of --tbot-version does not look like a version\n"
    )


def test_needs_no_sdk_for_text() -> None:
    """The text is shown without loading the SDK, HTTP, gRPC or protobuf."""
    ended = run("preview", "--tbot-version", VERSION, "tbot", "start", environ={"PYTHONPROFILEIMPORTTIME": "1"})
    loaded = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert "opentelemetry.sdk.version" in loaded
    assert not loaded & {
        "opentelemetry.sdk.resources",
        "opentelemetry.sdk._logs",
        "requests",
        "grpc",
        "google.protobuf",
    }


@pytest.mark.parametrize("variables", [{}, ON])
def test_another_command(variables: dict[str, str]) -> None:
    """A command that is not start has nothing to preview: status 2."""
    ended = run("preview", "tbot", "configure", environ=variables)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)


def test_unknown_flag() -> None:
    """A flag of a newer tbot is named by its position, and everything else is shown."""
    ended = run("preview", "--tbot-version", VERSION, "tbot", "start", "--canary=1", "db", "--oneshot")
    assert ended.stderr == (
        "otel-tbot: the command line, argument 2: an unknown flag, skipped with its value; "
        "everything else is reported\n"
    )
    assert "tbot.destinations_database     1" in ended.stdout


@pytest.mark.parametrize("command", ["preview", "emit"])
@pytest.mark.parametrize("given", [True, False], ids=["named", "asked"])
def test_refused_by_tbot_19(command: str, given: bool, tmp_path: Path) -> None:  # noqa: FBT001  a case
    """A start that tbot itself would refuse is not reported: one line and status 2."""
    path = install_fake_tbot(tmp_path / "bin", "echo 'Teleport v19.0.1 git:v19.0.1-0-g0 go1.26'")
    options = ["--tbot-version", "19.0.1"] if given else []
    ended = run(command, *options, "tbot", "start", "bot-api", path=path, environ=ON, python=PATIENT)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == ("otel-tbot: the command line: tbot 19 and newer have no subcommand bot-api; leave it out\n")


def test_credential_provider() -> None:
    """A credential provider that a variable names is reported as ignored, in one line."""
    name = "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER"
    ended = run("preview", "--tbot-version=1", "tbot", "start", environ={**ON, name: "canary"})
    assert ended.stderr.startswith(f"otel-tbot: {name} is ignored, ")
    assert "canary" not in ended.stdout + ended.stderr
