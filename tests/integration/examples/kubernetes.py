"""The Kubernetes examples: their manifests and Dockerfiles, as Python objects."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import yaml

from tests.integration.examples.readme import EXAMPLES, blocks

if TYPE_CHECKING:
    from pathlib import Path

TBOT = EXAMPLES / "kubernetes"
FLEET = EXAMPLES / "kubernetes-fleet"


def load(file: Path) -> Any:  # noqa: ANN401  any YAML
    """Return the only document of a file."""
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def manifests(folder: Path) -> list[dict[str, Any]]:
    """Return the documents of the files that `kustomization.yaml` names."""
    files = [folder / name for name in load(folder / "kustomization.yaml")["resources"]]
    return [document for file in files for document in yaml.safe_load_all(file.read_text(encoding="utf-8"))]


def manifest(folder: Path, kind: str) -> dict[str, Any]:
    """Return the only document of its kind."""
    (found,) = [document for document in manifests(folder) if document["kind"] == kind]
    return found


def pod(folder: Path) -> dict[str, Any]:
    """Return the template of the Deployment's pods."""
    template: dict[str, Any] = manifest(folder, "Deployment")["spec"]["template"]
    return template


def container(folder: Path) -> dict[str, Any]:
    """Return the only container of the Deployment's pods."""
    (found,) = pod(folder)["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def variables(folder: Path) -> dict[str, str]:
    """Return the container's variables."""
    return {one["name"]: one["value"] for one in container(folder)["env"]}


def instruction(folder: Path, name: str) -> list[str]:
    """Return the command of the Dockerfile's `CMD`, `ENTRYPOINT` or `HEALTHCHECK`, which is a JSON array."""
    text = (folder / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", "")
    (command,) = re.findall(rf"^{name} [^\[]*(\[.*\])$", text, re.MULTILINE)
    words: list[str] = json.loads(command)
    return words


def image(folder: Path) -> str:
    """Return the image's name and tag that the README builds and pushes."""
    built, pushed = re.findall(r"registry\.example\.com/\S+", blocks(folder / "README.md")[0])
    assert built == pushed
    return str(built)
