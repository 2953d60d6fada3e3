"""The example deployments: checked by the tool itself where it is installed, and their commands are run unchanged."""

from __future__ import annotations

import base64
import json
import re
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from otel_tbot import StartEvent
from tests.integration.examples.readme import EXAMPLES, SOURCE, blocks, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.collector import Collector

SYSTEMD = EXAMPLES / "systemd" / "otel-tbot.conf"
KUBERNETES = EXAMPLES / "kubernetes"
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


def container() -> dict[str, Any]:
    """Return the container of the Deployment."""
    documents = list(yaml.safe_load_all((KUBERNETES / "deployment.yaml").read_text(encoding="utf-8")))
    (deployment,) = [one for one in documents if one["kind"] == "Deployment"]
    assert deployment["apiVersion"] == "apps/v1"
    template = deployment["spec"]["template"]
    assert deployment["spec"]["selector"]["matchLabels"] == template["metadata"]["labels"]
    (found,) = template["spec"]["containers"]
    assert {mount["name"] for mount in found["volumeMounts"]} == {one["name"] for one in template["spec"]["volumes"]}
    assert isinstance(found, dict)
    return found


def image(instruction: str) -> list[str]:
    """Return the words of an instruction of the image, with this Python in place of the image's."""
    dockerfile = (KUBERNETES / "Dockerfile").read_text(encoding="utf-8")
    (words,) = re.findall(rf"^{instruction} (.*)$", dockerfile, re.MULTILINE)
    return [sys.executable if word == "python" else word for word in json.loads(words)]


def test_kubernetes_runs(collector: Collector, tmp_path: Path) -> None:
    """The image's entry point, with the container's arguments and variables, delivers the event."""
    found = container()
    shutil.copy(KUBERNETES / "tbot.yaml", tmp_path / "tbot.yaml")
    arguments = [argument.replace("/config/", "") for argument in found["args"]]
    environ = {one["name"]: one["value"] for one in found["env"]}
    attributes = run_to(collector, [*image("ENTRYPOINT"), *arguments], environ, tmp_path)
    assert (attributes["tbot.join_type"], attributes["tbot.destinations_application"]) == ("kubernetes", "1")


def test_kubernetes_runs_without_arguments(collector: Collector, tmp_path: Path) -> None:
    """The image starts a bot where it gets no arguments, and its configuration by TBOT_CONFIG alone."""
    configuration = base64.b64encode((KUBERNETES / "tbot.yaml").read_bytes()).decode()
    environ = {"TELEPORT_ANONYMOUS_TELEMETRY": "1", "TBOT_CONFIG": configuration}
    attributes = run_to(collector, [*image("ENTRYPOINT"), *image("CMD")], environ, tmp_path)
    assert attributes["tbot.join_type"] == "kubernetes"


def test_kubernetes_builds() -> None:
    """`kubectl` builds the manifests, and the Deployment mounts the configuration by its generated name."""
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl")
    built = subprocess.run(
        ["kubectl", "kustomize", str(KUBERNETES)], capture_output=True, text=True, timeout=_TIMEOUT, check=False
    )
    assert (built.returncode, built.stderr) == (0, "")
    by_kind = {one["kind"]: one for one in yaml.safe_load_all(built.stdout)}
    assert by_kind.keys() == {"Namespace", "ServiceAccount", "ConfigMap", "Deployment"}
    volumes = by_kind["Deployment"]["spec"]["template"]["spec"]["volumes"]
    assert by_kind["ConfigMap"]["metadata"]["name"] in {one.get("configMap", {}).get("name") for one in volumes}


def test_kubernetes_commands() -> None:
    """The README's commands name existing files, relative to the top of the source tree."""
    (commands,) = blocks(KUBERNETES / "README.md")
    paths = re.findall(r"examples/\S+", commands)
    assert paths
    assert [path for path in paths if not (SOURCE / path).exists()] == []


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


def test_example_configurations_are_tbots() -> None:
    """The configuration next to the Deployment is valid for tbot."""
    event = StartEvent.from_command(["tbot", "start", "-c", str(KUBERNETES / "tbot.yaml")], environ={})
    assert event.run_mode == "daemon"
