"""The Kubernetes examples are valid for the public schemas, as written and as built by `kubectl`."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.integration.examples.kubernetes import FLEET, TBOT, image, manifests
from tests.integration.examples.readme import SOURCE

if TYPE_CHECKING:
    from pathlib import Path

kubernetes_validate: Any = pytest.importorskip("kubernetes_validate", reason="the schemas are on one Python only")

EXAMPLES = pytest.mark.parametrize("folder", [TBOT, FLEET], ids=["tbot", "fleet"])
# The oldest that the page names, and the newest that the package has.
VERSIONS = ("1.30", kubernetes_validate.latest_version())
_TIMEOUT = 60  # seconds, far above what a check takes


@EXAMPLES
@pytest.mark.parametrize("version", VERSIONS)
def test_schema(folder: Path, version: str) -> None:
    """Each manifest is valid, and has no field that Kubernetes does not know."""
    for document in manifests(folder):
        kubernetes_validate.validate(document, version, strict=True)


@EXAMPLES
def test_builds(folder: Path) -> None:
    """`kubectl` builds valid manifests; the Deployment has a full image name, and mounts what it builds."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    command = ["kubectl", "kustomize", f"examples/{folder.name}"]
    built = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
    assert (built.returncode, built.stderr) == (0, "")
    documents = list(yaml.safe_load_all(built.stdout))
    for document in documents:
        kubernetes_validate.validate(document, VERSIONS[-1], strict=True)
    spec = next(one for one in documents if one["kind"] == "Deployment")["spec"]["template"]["spec"]
    assert spec["containers"][0]["image"] == image(folder)
    mounted = {one["configMap"]["name"] for one in spec.get("volumes", ()) if "configMap" in one}
    assert mounted == {one["metadata"]["name"] for one in documents if one["kind"] == "ConfigMap"}
