"""Write the software bill of materials of the wheel in a folder, as CycloneDX JSON next to it.

It lists the packages that `requirements/runtime.txt` pins: names, versions, the hashes of the files that may be
installed, and their dependencies. Run by `make package`. The same wheel always gives the same bytes.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import uuid
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

ROOT = Path(__file__).parent.parent
PROJECT = "otel-tbot"
# A requirement as uv writes it: the pin with its marker, a line for each hash, and the packages that require it.
REQUIREMENT = re.compile(
    r"^(?P<name>[a-z0-9-]+)==(?P<version>\S+)[^\n]*\\\n(?P<hashes>(?: +--hash=sha256:[0-9a-f]{64}[ \\]*\n)+)"
    r"(?P<dependents> +# via(?:[^\n]*\n)(?: +#   [^\n]+\n)*)",
    re.MULTILINE,
)


class Requirement(NamedTuple):
    """One pinned package."""

    name: str
    version: str
    hashes: list[str]
    dependents: set[str]


def read(text: str) -> list[Requirement]:
    """Read a file of pinned requirements; a line that is not understood is an error."""
    found = [
        Requirement(
            name=match["name"],
            version=match["version"],
            hashes=re.findall(r"sha256:(\w+)", match["hashes"]),
            dependents=set(re.findall(r"(?:via|#  ) ([a-z0-9-]+)", match["dependents"])),
        )
        for match in REQUIREMENT.finditer(text)
    ]
    if len(found) != len(re.findall(r"^[^ #\n]", text, re.MULTILINE)):
        sys.exit("sbom: requirements/runtime.txt has a line that is not a pinned requirement")
    return found


def component(name: str, version: str, hashes: list[str]) -> Component:
    """Return a package, identified by its purl."""
    purl = PackageURL("pypi", None, name, version)
    files = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(str(purl)),
        comment="one of the files with these hashes",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=one) for one in hashes],
    )
    return Component(
        type=ComponentType.LIBRARY,
        name=name,
        version=version,
        purl=purl,
        bom_ref=str(purl),
        external_references=[files],
    )


def bill(wheel: Path, requirements: list[Requirement], at: datetime) -> Bom:
    """Return the bill of a wheel."""
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    project = component(PROJECT, wheel.name.split("-")[1], [digest])
    project.licenses.add(DisjunctiveLicense(id="Apache-2.0"))
    components = {one.name: component(one.name, one.version, one.hashes) for one in requirements}
    bom = Bom(components=components.values(), serial_number=uuid.uuid5(uuid.NAMESPACE_OID, digest))
    bom.metadata.timestamp = at
    bom.metadata.component = project
    for name, dependent in {PROJECT: project, **components}.items():
        bom.register_dependency(dependent, [components[one.name] for one in requirements if name in one.dependents])
    return bom


def main(dist: Path) -> None:
    """Write the bill next to the one wheel of a folder."""
    (wheel,) = dist.glob("*.whl")
    at = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), timezone.utc)
    requirements = read((ROOT / "requirements" / "runtime.txt").read_text(encoding="utf-8"))
    path = wheel.with_suffix(".cdx.json")
    text = JsonV1Dot6(bill(wheel, requirements, at)).output_as_string(indent=2)
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        sys.exit(f"sbom: {path.name} would not be valid CycloneDX 1.6: {error}")
    path.write_text(f"{text}\n", encoding="utf-8")
    print(f"sbom: {path.name} lists {len(requirements)} packages")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
