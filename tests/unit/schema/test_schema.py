"""The schema registry is valid, everything else is generated from it, and users learn of every value."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from opentelemetry.semconv._incubating.attributes import host_attributes, os_attributes

from otel_tbot.event import StartEvent
from otel_tbot.records import build_resource
from otel_tbot.schema import registry
from otel_tbot.schema.attribute import Attribute
from otel_tbot.schema.constants import EVENT_ATTRIBUTES, EVENT_NAME, RESOURCE_ATTRIBUTES
from otel_tbot.schema.json_schema import json_schema
from otel_tbot.schema.markdown import markdown
from otel_tbot.session import Session
from otel_tbot.version import __version__
from scripts import schema_constants
from tests.support import registry_rules

ROOT = Path(__file__).parents[3]
REGISTRY = registry.load()
DOCUMENT: dict[str, Any] = yaml.safe_load(registry.text())
MANIFEST: dict[str, Any] = yaml.safe_load(
    (Path(registry.__file__).with_name("registry") / "manifest.yaml").read_text(encoding="utf-8")
)
STABILITY = {"stable", "development", "alpha", "beta", "release_candidate", "deprecated"}
# The namespaces of OpenTelemetry's own conventions, which are only referenced here.
FOREIGN = ("service.", "session.", "os.", "host.", "telemetry.")


def test_table_is_fresh() -> None:
    """The generated constants match the registry; otherwise: make generate."""
    assert schema_constants.CONSTANTS.read_text() == schema_constants.constants(REGISTRY)


def test_page_is_fresh() -> None:
    """The documentation page matches the registry; otherwise: make generate."""
    assert schema_constants.PAGE.read_text() == markdown(REGISTRY)


def test_fields_are_the_schema() -> None:
    """The event has exactly one field for each attribute of the schema, in its order."""
    assert [field.name for field in dataclasses.fields(StartEvent)] == [row.field for row in EVENT_ATTRIBUTES]


def test_resource_is_the_schema() -> None:
    """The resource that is sent has exactly the attributes of the schema, in its order."""
    session = Session(os_type="linux", host_arch="amd64")
    assert list(dict(build_resource(session).attributes)) == [row.name for row in RESOURCE_ATTRIBUTES]


def test_rules_of_weaver() -> None:
    """Both files follow the rules of OpenTelemetry's registry tool."""
    for document, rules in ((MANIFEST, registry_rules.MANIFEST), (DOCUMENT, registry_rules.DEFINITION)):
        jsonschema.Draft202012Validator.check_schema(rules)
        jsonschema.validate(document, rules)


@pytest.mark.parametrize(
    "manifest",
    [
        {"name": "otel-tbot", "dependencies": MANIFEST["dependencies"]},  # required by Weaver before 0.22
        {"schema_base_url": "https://otel-tbot.example/schemas/otel-tbot", "semconv_version": "0.1.0"},
        {**MANIFEST, "name": "otel-tbot"},
        {**MANIFEST, "schema_url": "https://otel-tbot.example/schemas/otel-tbot"},
        {**MANIFEST, "schema_url": "otel-tbot/0.1.0"},
        {**MANIFEST, "stability": "experimental"},
        {**MANIFEST, "dependencies": [{"name": "otel", "registry_path": "semantic-conventions.zip"}]},
        {**MANIFEST, "dependencies": ["https://opentelemetry.io/schemas/1.43.0"]},
    ],
)
def test_refused_manifest(manifest: dict[str, Any]) -> None:
    """A manifest without a schema URL that names a version, or with a key that Weaver ignores, is rejected."""
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(manifest, registry_rules.MANIFEST)


@pytest.mark.parametrize(
    "change",
    [
        {"file_format": "definition/1"},
        {"groups": []},
        {"attributes": [{"id": "tbot.x", "type": "string", "brief": "x", "stability": "stable"}]},
        {"attributes": [{"key": "tbot.x", "type": "text", "brief": "x", "stability": "stable"}]},
        {"attributes": [{"key": "tbot.x", "type": {"members": [{"value": "x"}]}, "brief": "x", "stability": "stable"}]},
        {"attributes": [{"key": "tbot.x", "type": "string", "brief": "x"}]},
        {"events": [{"name": "tbot.x", "brief": "x", "stability": "stable", "attributes": [{"ref": "a", "id": "b"}]}]},
        {"spans": [{"type": "tbot.x", "kind": "own", "name": {"note": "x"}, "brief": "x", "stability": "stable"}]},
        {"entities": [{"type": "tbot.x", "brief": "x", "stability": "stable"}]},
    ],
    ids=str,
)
def test_refused_definition(change: dict[str, Any]) -> None:
    """A definition that Weaver would reject is rejected."""
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**DOCUMENT, **change}, registry_rules.DEFINITION)


def test_schema_url() -> None:
    """The registry has the version of this package, and builds on semantic conventions that have a manifest too."""
    assert MANIFEST["schema_url"].endswith(f"/schemas/otel-tbot/{__version__}")
    ((name, version),) = (one["schema_url"].rsplit("/", 1) for one in MANIFEST["dependencies"])
    assert name == "https://opentelemetry.io/schemas"
    assert tuple(map(int, version.split("."))) >= (1, 43, 0)
    assert f"v{version}.zip[model]" in MANIFEST["dependencies"][0]["registry_path"]


@pytest.mark.parametrize("definition", DOCUMENT["attributes"], ids=lambda definition: definition["key"])
def test_definition(definition: dict[str, Any]) -> None:
    """An attribute has our namespace, a type, a description, examples, and the reason for collecting it."""
    assert re.fullmatch(r"tbot(\.[a-z][a-z0-9_]*)+", definition["key"])
    assert definition["stability"] in STABILITY
    assert definition["brief"].endswith(".")
    assert definition["annotations"]["otel_tbot"]["reason"].endswith(".")
    kind = definition["type"]
    if isinstance(kind, dict):
        members = kind["members"]
        assert len({member["id"] for member in members}) == len(members)
        assert {member["stability"] for member in members} <= STABILITY
    else:
        assert kind in {"string", "int"}


def test_references_resolve() -> None:
    """Every reference is defined here or by OpenTelemetry's conventions, and every definition is used."""
    (group,) = DOCUMENT["attribute_groups"]
    (event,) = DOCUMENT["events"]
    (span,) = DOCUMENT["spans"]
    (entity,) = DOCUMENT["entities"]
    defined = {definition["key"] for definition in DOCUMENT["attributes"]}
    assert {reference["ref"] for reference in group["attributes"]} == defined
    assert event["attributes"] == span["attributes"] == [{"ref_group": group["id"]}]
    assert event["entity_associations"] == span["entity_associations"] == [entity["type"]]
    foreign = [reference["ref"] for reference in (*entity["identity"], *entity["description"])]
    assert all(name.startswith(FOREIGN) for name in foreign)
    assert not any(name.startswith(FOREIGN) for name in defined)


@pytest.mark.parametrize(
    ("name", "convention"),
    [("os.type", os_attributes.OsTypeValues), ("host.arch", host_attributes.HostArchValues)],
)
def test_enums_are_the_conventions(name: str, convention: Any) -> None:  # noqa: ANN401  an enum class
    """The values allowed for a foreign enum are values of OpenTelemetry's conventions."""
    (row,) = (row for row in RESOURCE_ATTRIBUTES if row.name == name)
    assert set(row.values) <= {member.value for member in convention}


@pytest.mark.parametrize("entry", [*REGISTRY.event, *REGISTRY.resource], ids=lambda entry: entry.attribute.name)
def test_examples_are_allowed(entry: registry.Entry) -> None:
    """Every example of the registry passes its own rules unchanged."""
    assert [entry.attribute.validate(example) for example in entry.examples] == list(entry.examples)


def test_json_schema_accepts_what_is_sent() -> None:
    """The JSON Schema is valid, and accepts an event in the form in which it is sent."""
    schema = json_schema(REGISTRY)
    jsonschema.Draft202012Validator.check_schema(schema)
    event = StartEvent(run_mode="daemon", version="18.2.3", join_type="x", helper="cli:h")
    sent = {"attributes": event.attributes, "resource": dict(build_resource(Session()).attributes)}
    jsonschema.validate(json.loads(json.dumps(sent)), schema)


@pytest.mark.parametrize(
    "change",
    [
        {"host.name": "web-1"},
        {"tbot.run_mode": "other"},
        {"tbot.destinations_other": -1},
        {"tbot.destinations_other": 2**31},
        {"tbot.version": "v1"},
        {"tbot.version": "18.2.3+build"},
        {"tbot.join_type": "secret"},
        {"tbot.helper": "a b"},
    ],
)
def test_json_schema_rejects_everything_else(change: dict[str, object]) -> None:
    """The JSON Schema rejects an attribute or a value that is never sent."""
    attributes = {**StartEvent(run_mode="daemon").attributes, **change}
    sent = {"attributes": attributes, "resource": dict(build_resource(Session()).attributes)}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(sent, json_schema(REGISTRY))


def test_every_datum_is_in_the_changelog() -> None:
    """Each attribute is listed under "Data collected" in the changelog, where users learn of it."""
    changelog = (ROOT / "CHANGELOG.md").read_text()
    sections = re.findall(r"^### Data collected\n(.*?)(?=^##|\Z)", changelog, re.MULTILINE | re.DOTALL)
    listed = set(re.findall(r"^- `([a-z._]+)`", "\n".join(sections), re.MULTILINE))
    collected = {EVENT_NAME} | {row.name for row in (*EVENT_ATTRIBUTES, *RESOURCE_ATTRIBUTES)}
    missing = sorted(collected - listed)
    assert not missing, f'CHANGELOG.md needs a line under "### Data collected" for: {", ".join(missing)}'


def test_rows_do_not_change() -> None:
    """A row of the schema is immutable, and its parts are given by name."""
    row = EVENT_ATTRIBUTES[0]
    with pytest.raises(AttributeError):
        row.name = "host.name"  # type: ignore[misc]  # the mistake under test
    with pytest.raises(TypeError):
        Attribute("host.name", "string", True)  # type: ignore[call-arg]  # noqa: FBT003  the same reason


def test_number_of_another_type() -> None:
    """A subclass of int is sent as a plain int, 0 and the maximum included."""

    class Number(int):
        pass

    (row,) = (row for row in EVENT_ATTRIBUTES if row.name == "tbot.destinations_other")
    for number in (0, 1, row.maximum):
        validated = row.validate(Number(number))
        assert (type(validated), validated) == (int, number)
    assert row.validate(Number(row.maximum + 1)) == row.maximum
