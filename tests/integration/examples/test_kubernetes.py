"""The Kubernetes examples: each part fits the others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from otel_tbot import StartEvent
from tests.integration.examples.kubernetes import (
    FLEET,
    TBOT,
    container,
    image,
    instruction,
    load,
    manifest,
    manifests,
    pod,
    variables,
)
from tests.integration.examples.readme import SOURCE, blocks

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = pytest.mark.parametrize("folder", [TBOT, FLEET], ids=["tbot", "fleet"])
PORT = 4319


@EXAMPLES
def test_every_manifest_is_applied(folder: Path) -> None:
    """`kustomization.yaml` names every manifest of the folder."""
    written = {file.name for file in folder.glob("*.yaml") if "apiVersion" in load_first(file)}
    assert written == {*load(folder / "kustomization.yaml")["resources"], "kustomization.yaml"}


def load_first(file: Path) -> dict[str, Any]:
    """Return the first document of a file."""
    first: dict[str, Any] = next(iter(yaml.safe_load_all(file.read_text(encoding="utf-8"))))
    return first


def test_commands_of_the_page() -> None:
    """The page's commands are those of the README, and a check of the rollout."""
    shown = "".join(blocks(SOURCE / "docs" / "how-to" / "kubernetes-fleet.md", "shell")).splitlines()
    assert [line for line in shown if " rollout " not in line] == "".join(blocks(FLEET / "README.md")).splitlines()


@EXAMPLES
def test_commands_name_existing_files(folder: Path) -> None:
    """The README's commands name existing files, relative to the top of the source tree."""
    paths = re.findall(r"examples/\S+", "".join(blocks(folder / "README.md")))
    assert paths
    assert [path for path in paths if not (SOURCE / path).exists()] == []


@EXAMPLES
def test_restricted(folder: Path) -> None:
    """The container meets the Pod Security Standard "restricted", and writes no file."""
    assert container(folder)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert pod(folder)["spec"]["automountServiceAccountToken"] is False
    # Kubernetes cannot tell from a user's name whether it is root.
    assert re.findall(r"^USER (.*)$", (folder / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE) == [
        "65532:65532"
    ]


@EXAMPLES
def test_probes_and_resources(folder: Path) -> None:
    """Both probes use a port of the container; memory is requested and limited, processor time is not limited."""
    found = container(folder)
    ports = {port["name"] for port in found["ports"]}
    assert {found[probe]["httpGet"]["port"] for probe in ("livenessProbe", "readinessProbe")} == ports
    assert found["resources"]["requests"].keys() == {"cpu", "memory"}
    assert found["resources"]["limits"].keys() == {"memory"}


@EXAMPLES
def test_mounts(folder: Path) -> None:
    """The container mounts each volume."""
    mounts = {mount["name"] for mount in container(folder).get("volumeMounts", ())}
    assert mounts == {one["name"] for one in pod(folder)["spec"].get("volumes", ())}


def selectors(value: object) -> list[dict[str, str]]:
    """Return each selector of pods in a part of a fleet manifest, without the selectors of namespaces."""
    if isinstance(value, list):
        return [found for one in value for found in selectors(one)]
    if not isinstance(value, dict):
        return []
    here = [
        dict(one.get("matchLabels", one))
        for name, one in value.items()
        if name in {"selector", "labelSelector", "podSelector"}
    ]
    return here + [found for one in value.values() for found in selectors(one)]


@EXAMPLES
def test_selectors(folder: Path) -> None:
    """Every selector of pods matches the Deployment's."""
    labels = pod(folder)["metadata"]["labels"]
    for document in manifests(folder):
        expected = {"Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy"}
        found = selectors(document["spec"]) if document["kind"] in expected else []
        assert bool(found) == (document["kind"] in expected)
        assert all(one and one.items() <= labels.items() for one in found), document["kind"]


def pins(name: str) -> set[str]:
    """Return the pinned packages of a file of requirements, each with its version and without its hashes."""
    text = (SOURCE / "requirements" / name).read_text(encoding="utf-8")
    return set(re.findall(r"^[\w.-]+==\S+", text, re.MULTILINE))


def test_images_have_the_tested_versions() -> None:
    """The images install the tested versions; the receiver's image also has its Connect library and server."""
    assert pins("runtime.txt") < pins("serve.txt") < pins("dev.txt")
    assert {"connectrpc", "uvicorn", "uvloop"} <= {pin.partition("==")[0] for pin in pins("serve.txt")}
    for folder, name in ((TBOT, "runtime.txt"), (FLEET, "serve.txt")):
        assert f"--require-hashes -r /build/{name} " in (folder / "Dockerfile").read_text(encoding="utf-8")


def test_tag_is_the_version_of_tbot() -> None:
    """The official chart appends its own version to the image's name, so that is the tag."""
    (version,) = re.findall(r"^ARG TBOT_VERSION=(.*)$", (TBOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert image(TBOT).endswith(f":{version}")
    assert f"TBOT_VERSION={version} " in blocks(TBOT / "README.md")[0]


def test_tbot_listens_on_the_probes_port() -> None:
    """The configuration is valid for tbot, and its diagnostics use the port of the probes."""
    event = StartEvent.from_command(["tbot", "start", "-c", str(TBOT / "tbot.yaml")], environ={})
    assert event.run_mode == "daemon"
    (port,) = container(TBOT)["ports"]
    assert load(TBOT / "tbot.yaml")["diag_addr"] == f"0.0.0.0:{port['containerPort']}"


def test_receiver_ports() -> None:
    """The receiver listens where the Service, the network policy and the image say, and may reach its Collector."""
    found = container(FLEET)
    (port,) = found["ports"]
    (service,) = manifest(FLEET, "Service")["spec"]["ports"]
    assert (port["containerPort"], service["port"], service["targetPort"]) == (PORT, PORT, port["name"])
    assert found["args"] == instruction(FLEET, "CMD") == ["--listen", f"0.0.0.0:{PORT}"]
    assert f"\nEXPOSE {PORT}\n" in (FLEET / "Dockerfile").read_text(encoding="utf-8")
    policy = manifest(FLEET, "NetworkPolicy")["spec"]
    assert [one["port"] for rule in policy["ingress"] for one in rule["ports"]] == [PORT]
    collector, name_servers = policy["egress"]
    assert {(one["port"], one["protocol"]) for one in name_servers["ports"]} == {(53, "UDP"), (53, "TCP")}
    (to,), (out,) = collector["to"], collector["ports"]
    namespace = to["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
    endpoint = variables(FLEET)["OTEL_EXPORTER_OTLP_ENDPOINT"]
    assert endpoint.endswith(f".{namespace}:{out['port']}")


def test_chart_reports_to_the_receiver() -> None:
    """The values for the official chart consent, and name the Service as tbot's pod can resolve it."""
    values = load(FLEET / "tbot-values.yaml")
    assert values["anonymousTelemetry"] is True
    name = manifest(FLEET, "Service")["metadata"]["name"]
    namespace = manifest(FLEET, "Namespace")["metadata"]["name"]
    assert load(FLEET / "kustomization.yaml")["namespace"] == namespace
    assert values["extraEnv"] == [
        {"name": "TELEPORT_ANONYMOUS_TELEMETRY_ADDRESS", "value": f"http://{name}.{namespace}.svc:{PORT}"}
    ]
