"""No variable and no working directory can run foreign code in our own processes, or delay `send`."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from otel_tbot.isolated_python import python_command
from tests.support.fake_tbot import shell_script
from tests.support.program import SOURCE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from otel_tbot.testing import OTLPReceiver

# Variables that name plug-ins, each with its own group of entry points.
GROUPS = {
    "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "opentelemetry_resource_detector",
    "OTEL_PROPAGATORS": "opentelemetry_propagator",
    "OTEL_PYTHON_CONTEXT": "opentelemetry_context",
    "OTEL_PYTHON_LOGGER_PROVIDER": "opentelemetry_logger_provider",
    "OTEL_PYTHON_METER_PROVIDER": "opentelemetry_meter_provider",
    "OTEL_PYTHON_TRACER_PROVIDER": "opentelemetry_tracer_provider",
    "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER": "opentelemetry_otlp_credential_provider",
    "OTEL_PYTHON_EXPORTER_OTLP_HTTP_LOGS_CREDENTIAL_PROVIDER": "opentelemetry_otlp_credential_provider",
}
START = ("--tbot-version", "18.2.3", "tbot", "start")


@pytest.fixture
def environ(tmp_path: Path, receiver: OTLPReceiver) -> dict[str, str]:
    """Return variables that opt in and name a plug-in of every kind, which would create a file."""
    metadata = tmp_path / "site" / "canary-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: canary\nVersion: 1.0\n")
    groups = (f"[{group}]\ncanary = canary:Plugin\n" for group in sorted(set(GROUPS.values())))
    (metadata / "entry_points.txt").write_text("\n".join(groups))
    (tmp_path / "site" / "canary.py").write_text(f"open({str(tmp_path / 'loaded')!r}, 'w')\nclass Plugin: pass\n")
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{SOURCE}{os.pathsep}{tmp_path / 'site'}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TELEPORT_ANONYMOUS_TELEMETRY": "1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint,
        "SSLKEYLOGFILE": str(tmp_path / "keys"),
        **dict.fromkeys(GROUPS, "canary"),
    }


def otel_tbot(*arguments: str, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run one command."""
    command = [sys.executable, "-m", "otel_tbot", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)


def test_plug_in_can_be_loaded(environ: dict[str, str], tmp_path: Path) -> None:
    """OpenTelemetry itself loads the plug-in in this environment: otherwise the tests below would prove nothing."""
    command = [sys.executable, "-c", "import opentelemetry.sdk._logs"]
    subprocess.run(command, env=environ, capture_output=True, timeout=60, check=False)
    assert (tmp_path / "loaded").exists()


@pytest.mark.parametrize(
    "arguments", [("preview", "--format", "json", *START), ("emit", *START), ("demo",)], ids=" ".join
)
def test_command(environ: dict[str, str], tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """A command works, and loads no plug-in."""
    ended = otel_tbot(*arguments, environ=environ)
    assert ended.returncode == 0, ended.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["site"]


def test_preview_when_off(environ: dict[str, str], tmp_path: Path) -> None:
    """Without consent, `preview` loads no plug-in either."""
    del environ["TELEPORT_ANONYMOUS_TELEMETRY"]
    assert otel_tbot("preview", "--format", "json", *START, environ=environ).returncode == 0
    assert not (tmp_path / "loaded").exists()


def test_run(environ: dict[str, str], tmp_path: Path, receiver: OTLPReceiver) -> None:
    """The sender loads no plug-in, and tbot gets the original environment."""
    path = shell_script(tmp_path / "bin", 'echo "$OTEL_PROPAGATORS $SSLKEYLOGFILE"')
    ended = otel_tbot("run", str(path), "start", environ=environ)
    assert ended.stdout == f"canary {tmp_path / 'keys'}\n"
    receiver.wait_for_requests(1, timeout=30)
    assert not (tmp_path / "loaded").exists()


@pytest.mark.skipif(find_spec("connectrpc") is None, reason="the extra serve is not installed")
def test_serve(environ: dict[str, str], tmp_path: Path, receiver: OTLPReceiver) -> None:
    """Neither the receiver nor its exporter process loads a plug-in."""
    from tests.integration.receiver.http_client import submit  # noqa: PLC0415  needs the extra
    from tests.integration.receiver.receiver_process import RunningReceiver  # noqa: PLC0415

    with RunningReceiver(variables=environ, strict=False) as running:
        assert submit(running.port).status == 200
        assert running.stop() == 0
    assert len(receiver.log_records) == 1
    assert not (tmp_path / "loaded").exists()


def test_send_with_a_stuck_plug_in(environ: dict[str, str], tmp_path: Path, receiver: OTLPReceiver) -> None:
    """A host's own plug-ins are loaded in its process, but an import that `send` causes counts against the timeout."""
    (tmp_path / "site" / "canary.py").write_text("import threading\nthreading.Event().wait()\n")
    code = "import otel_tbot; print(otel_tbot.send(otel_tbot.StartEvent(run_mode='daemon'), timeout=1).reason)"
    command = [sys.executable, "-c", code]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (0, "the backend did not accept it within 1 s\n")
    assert receiver.requests == []


def test_python_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of ours finds our modules, but none in the working directory, and ignores Python's variables."""
    (tmp_path / "json.py").write_text("raise SystemExit('the working directory')")
    (tmp_path / "ours.py").write_text(
        "import json, sys\ndef main(*words): print(json.dumps([*words, sys.flags.isolated]))"
    )
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "ours.py").write_text((tmp_path / "ours.py").read_text())
    monkeypatch.setattr(sys, "path", ["", ".", str(tmp_path / "sub"), *sys.path])
    environ = {"PYTHONPATH": str(tmp_path), "PYTHONHOME": "/nowhere", "PYTHONSTARTUP": "/nowhere"}
    ended = subprocess.run(
        python_command("ours", "a b", "'"), env=environ, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (ended.stdout, ended.stderr) == ('["a b", "\'", 1]\n', "")
