"""The example deployments: checked by the tool itself where it is installed, and their commands are run unchanged."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.integration.examples import kubernetes
from tests.integration.examples.readme import EXAMPLES, blocks, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.collector import Collector

SYSTEMD = EXAMPLES / "systemd" / "otel-tbot.conf"
WORKFLOW = EXAMPLES / "github-actions" / "workflow.yaml"
UNIT = "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/usr/local/bin/tbot start -c /etc/tbot.yaml\n"
_TIMEOUT = 60  # seconds, far above what a check takes


def run_to(collector: Collector, command: list[str], environ: dict[str, str], folder: Path) -> dict[str, Any]:
    """Run a command with its variables but another endpoint, and return the event's attributes."""
    assert environ["TELEPORT_ANONYMOUS_TELEMETRY"] == "1"
    there = {**environ, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoints["http/protobuf"]}
    there.pop("OTEL_EXPORTER_OTLP_HEADERS", None)
    ended = run(shlex.join(command), there, cwd=folder, tbot=folder / "bin")
    assert ended.returncode == 0, ended.stderr
    (request,) = collector.requests("logs")
    (record,) = request["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    return {one["key"]: next(iter(one["value"].values())) for one in record["attributes"]}


def settings(unit: str) -> list[tuple[str, str]]:
    """Return the settings in a unit file, in their order."""
    lines = [line for line in unit.splitlines() if line and line[0] not in "#["]
    return [(name, value) for name, _, value in (line.partition("=") for line in lines)]


def test_systemd_verifies(tmp_path: Path) -> None:
    """`systemd-analyze` accepts tbot's unit with the drop-in that the README installs."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze")
    (commands,) = blocks(EXAMPLES / "systemd" / "README.md")
    *_, target = commands.splitlines()[0].split()
    units = tmp_path / "etc" / "systemd" / "system"
    assert target == "/etc/systemd/system/tbot.service.d/otel-tbot.conf"
    (units / "tbot.service.d").mkdir(parents=True)
    (units / "tbot.service").write_text(UNIT)
    shutil.copy(SYSTEMD, units / "tbot.service.d" / "otel-tbot.conf")
    programs = tmp_path / "usr" / "local" / "bin"
    programs.mkdir(parents=True)
    (programs / "tbot").touch(mode=0o755)
    python = tmp_path / "opt" / "otel-tbot" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch(mode=0o755)
    checked = subprocess.run(
        ["systemd-analyze", "verify", f"--root={tmp_path}", "tbot.service"],
        capture_output=True, text=True, timeout=_TIMEOUT, check=False,
    )  # fmt: skip
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_systemd_runs(collector: Collector, tmp_path: Path) -> None:
    """The drop-in's command, with its variables, starts tbot and delivers the event."""
    found = settings(SYSTEMD.read_text(encoding="utf-8"))
    environ = dict(value.split("=", 1) for name, value in found if name == "Environment")
    taken_back, command = [value for name, value in found if name == "ExecStart"]
    assert taken_back == ""
    (tmp_path / "tbot.yaml").write_text("version: v2\n")
    local = command.replace("/opt/otel-tbot/bin/python", sys.executable)
    local = local.replace("/usr/local/bin/", "").replace("/etc/tbot.yaml", "tbot.yaml")
    assert run_to(collector, local.split(), environ, tmp_path)["tbot.run_mode"] == "daemon"


def test_kubernetes_runs(collector: Collector, tmp_path: Path) -> None:
    """The image's entry point, with the container's arguments and variables, delivers the event."""
    shutil.copy(kubernetes.TBOT / "tbot.yaml", tmp_path / "tbot.yaml")
    arguments = [argument.replace("/config/", "") for argument in kubernetes.container(kubernetes.TBOT)["args"]]
    python, *words = kubernetes.instruction(kubernetes.TBOT, "ENTRYPOINT")
    assert python == "python"
    command = [sys.executable, *words, *arguments]
    attributes = run_to(collector, command, kubernetes.variables(kubernetes.TBOT), tmp_path)
    assert (attributes["tbot.join_type"], attributes["tbot.destinations_application"]) == ("kubernetes", "1")


def test_workflow_runs(collector: Collector, tmp_path: Path) -> None:
    """The workflow's step delivers the event, and may request the identity token with which tbot joins."""
    # YAML 1.1 reads the key `on` as true.
    workflow = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    assert workflow.keys() == {"name", True, "permissions", "jobs"}
    assert workflow["permissions"]["id-token"] == "write"
    *installing, step = workflow["jobs"]["tbot"]["steps"]
    assert all(one.keys() & {"uses", "run"} for one in installing)
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@v\d+", one["uses"]) for one in installing if "uses" in one)
    (tmp_path / "tbot.yaml").write_text("version: v2\nonboarding: {join_method: github}\n")
    attributes = run_to(collector, step["run"].split(), step["env"], tmp_path)
    assert (attributes["tbot.run_mode"], attributes["tbot.join_type"]) == ("one-shot", "github")
