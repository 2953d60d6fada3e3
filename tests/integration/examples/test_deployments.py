"""The example deployments: checked by the tool itself where it is installed, and their commands run unchanged."""

from __future__ import annotations

import base64
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
from tests.integration.examples.systemd import DROP_IN, UNIT, unit_settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.collector import Collector

WORKFLOW = EXAMPLES / "github-actions" / "workflow.yaml"
TBOT_UNIT = "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/usr/local/bin/tbot start -c /etc/tbot.yaml\n"
_TIMEOUT = 60  # seconds, far above what a check takes


def run_to(collector: Collector, command: list[str], environ: dict[str, str], folder: Path) -> dict[str, Any]:
    """Run a command with its variables but another endpoint, and return the event's attributes."""
    assert environ["TELEPORT_ANONYMOUS_TELEMETRY"] == "1"
    there = {
        **environ,
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoints["http/protobuf"],
        "OTEL_EXPORTER_OTLP_TIMEOUT": "30",
    }
    there.pop("OTEL_EXPORTER_OTLP_HEADERS", None)
    ended = run(shlex.join(command), there, cwd=folder, tbot=folder / "bin")
    assert ended.returncode == 0, ended.stderr
    (request,) = collector.requests("logs", within=40)  # longer than the timeout above
    (record,) = request["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    return {one["key"]: next(iter(one["value"].values())) for one in record["attributes"]}


def analyzed(*arguments: str) -> str:
    """Return the output of `systemd-analyze`, which must succeed."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze")
    checked = subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, timeout=_TIMEOUT, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    return checked.stdout + checked.stderr


def verified(root: Path, *units: str) -> str:
    """Return the complaints of `systemd-analyze` about units below a folder, in which their programs exist."""
    for program in ("usr/local/bin/tbot", "opt/otel-tbot/bin/python"):
        (root / program).parent.mkdir(parents=True)
        (root / program).touch(mode=0o755)
    return analyzed("verify", f"--root={root}", *units)


def test_systemd_verifies(tmp_path: Path) -> None:
    """`systemd-analyze` accepts tbot's unit with the drop-in that the README installs."""
    (commands,) = blocks(EXAMPLES / "systemd" / "README.md")
    *_, target = commands.splitlines()[0].split()
    units = tmp_path / "etc" / "systemd" / "system"
    assert target == "/etc/systemd/system/tbot.service.d/otel-tbot.conf"
    (units / "tbot.service.d").mkdir(parents=True)
    (units / "tbot.service").write_text(TBOT_UNIT)
    shutil.copy(DROP_IN, units / "tbot.service.d" / "otel-tbot.conf")
    assert verified(tmp_path, "tbot.service") == ""


def test_receiver_units_verify(tmp_path: Path) -> None:
    """`systemd-analyze` accepts the receiver's units, and the README's commands install and enable them."""
    (commands,) = [block for block in blocks(UNIT.parent / "README.md") if "systemctl" in block]
    installing, _, enabling = commands.splitlines()
    *_, service, socket, folder = installing.split()
    assert [service, socket] == [UNIT.name, UNIT.with_suffix(".socket").name]
    assert enabling == f"systemctl enable --now {socket}"
    assert "WantedBy" in dict(unit_settings(UNIT.with_suffix(".socket")))
    units = tmp_path / folder.lstrip("/")
    units.mkdir(parents=True)
    for name in (service, socket):
        shutil.copy(UNIT.with_name(name), units / name)
    for name in ("basic", "shutdown", "sysinit"):  # each unit depends on these, and the folder is empty
        (units / f"{name}.target").write_text("[Unit]\nDefaultDependencies=no\n")
    assert verified(tmp_path, service, socket) == ""


def test_receiver_is_hardened() -> None:
    """The receiver's unit has a low exposure level: at most 1.2 of 10."""
    analyzed("security", "--offline=true", "--threshold=12", str(UNIT))


def test_systemd_runs(collector: Collector, tmp_path: Path) -> None:
    """The drop-in's command, with its variables, starts tbot and delivers the event."""
    found = unit_settings(DROP_IN)
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
    command = [*entry_point(), *arguments]
    attributes = run_to(collector, command, kubernetes.variables(kubernetes.TBOT), tmp_path)
    assert (attributes["tbot.join_type"], attributes["tbot.destinations_application"]) == ("kubernetes", "1")


def test_kubernetes_runs_without_arguments(collector: Collector, tmp_path: Path) -> None:
    """The image starts a bot without arguments, configured by TBOT_CONFIG only."""
    configuration = base64.b64encode((kubernetes.TBOT / "tbot.yaml").read_bytes()).decode()
    environ = {"TELEPORT_ANONYMOUS_TELEMETRY": "1", "TBOT_CONFIG": configuration}
    command = [*entry_point(), *kubernetes.instruction(kubernetes.TBOT, "CMD")]
    attributes = run_to(collector, command, environ, tmp_path)
    assert attributes["tbot.join_type"] == "kubernetes"


def entry_point() -> list[str]:
    """Return the image's entry point, with this Python in place of the image's."""
    python, *words = kubernetes.instruction(kubernetes.TBOT, "ENTRYPOINT")
    assert python == "python"
    return [sys.executable, *words]


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
