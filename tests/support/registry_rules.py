"""The rules by which Weaver, OpenTelemetry's registry tool, reads our registry, as JSON Schemas.

Based on its public schemas `definition-manifest.v2` and `semconv.schema.v2`, reduced to what our files use; everything
else is rejected. Weaver itself is not in a package registry, so the suite cannot run it.
"""

from __future__ import annotations

from typing import Any

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TEXT = {"type": "string", "minLength": 1}
_STABILITY = {"enum": ["deprecated", "stable", "development", "alpha", "beta", "release_candidate"]}
_VALUE = {"type": ["string", "integer", "number", "boolean"]}
# A schema URL has a server, a path and a version (OpenTelemetry specification, "Schema URL").
_SCHEMA_URL = {"type": "string", "pattern": r"^https?://[^/\s]+(/[^/\s]+)+/[0-9]+\.[0-9]+\.[0-9]+$"}


def _mapping(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the schema of a mapping that has no other keys."""
    properties = {**required, **(optional or {})}
    return {"type": "object", "properties": properties, "required": [*required], "additionalProperties": False}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


# Weaver silently skips an unknown key: here it is an error.
MANIFEST = {
    "$schema": _DIALECT,
    **_mapping(
        {"schema_url": _SCHEMA_URL},
        {
            "description": _TEXT,
            "stability": _STABILITY,
            "dependencies": _list(_mapping({"schema_url": _SCHEMA_URL}, {"registry_path": _TEXT})),
        },
    ),
}

_ANNOTATIONS = {"annotations": {"type": "object"}}
_EXAMPLES = {"anyOf": [_VALUE, *(_list({"type": kind}) for kind in ("string", "integer", "number", "boolean"))]}
_REQUIREMENT_LEVEL = {
    "anyOf": [
        {"enum": ["required", "recommended", "opt_in"]},
        *(_mapping({level: _TEXT}) for level in ("conditionally_required", "recommended", "opt_in")),
    ]
}
_TYPES = ["boolean", "int", "double", "string", "any", "string[]", "int[]", "double[]", "boolean[]"]
_MEMBER = _mapping({"id": _TEXT}, {"value": _VALUE, "brief": _TEXT, "note": _TEXT, "stability": _STABILITY})
_ATTRIBUTE = _mapping(
    {
        "key": _TEXT,
        "type": {"anyOf": [{"enum": _TYPES}, _mapping({"members": _list(_MEMBER)})]},
        "brief": _TEXT,
        "stability": _STABILITY,
    },
    {"note": _TEXT, "examples": _EXAMPLES, **_ANNOTATIONS},
)
_REFERENCE = _mapping(
    {"ref": _TEXT},
    {
        "brief": _TEXT,
        "note": _TEXT,
        "examples": _EXAMPLES,
        "requirement_level": _REQUIREMENT_LEVEL,
        "stability": _STABILITY,
        **_ANNOTATIONS,
    },
)
_REFERENCES = _list({"anyOf": [_REFERENCE, _mapping({"ref_group": _TEXT})]})
_SIGNAL = {"brief": _TEXT, "stability": _STABILITY}
_OF_A_SIGNAL = {"note": _TEXT, "attributes": _REFERENCES, "entity_associations": _list(_TEXT), **_ANNOTATIONS}
_KINDS = ["internal", "client", "server", "producer", "consumer"]
DEFINITION = {
    "$schema": _DIALECT,
    **_mapping(
        {"file_format": {"const": "definition/2"}},
        {
            "attributes": _list(_ATTRIBUTE),
            "attribute_groups": _list(
                _mapping({"visibility": {"const": "internal"}, "id": _TEXT}, {"attributes": _REFERENCES})
            ),
            "events": _list(_mapping({"name": _TEXT, **_SIGNAL}, _OF_A_SIGNAL)),
            "spans": _list(
                _mapping(
                    {"type": _TEXT, "kind": {"enum": _KINDS}, "name": _mapping({"note": _TEXT}), **_SIGNAL},
                    _OF_A_SIGNAL,
                )
            ),
            "entities": _list(
                _mapping(
                    {"type": _TEXT, "identity": _list(_REFERENCE), **_SIGNAL},
                    {"description": _list(_REFERENCE), "note": _TEXT, **_ANNOTATIONS},
                )
            ),
        },
    ),
}
