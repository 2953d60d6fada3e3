"""The schema as JSON Schema, for storing or checking events outside of OpenTelemetry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otel_tbot.schema.registry import Entry, Registry

_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(registry: Registry) -> dict[str, Any]:
    """Return a JSON Schema (draft 2020-12) of one event: `{"attributes": {...}, "resource": {...}}`."""
    return {
        "$schema": _DRAFT,
        "title": registry.event_name,
        "type": "object",
        "properties": {
            "attributes": _object(registry.event),
            "resource": _object(registry.resource),
        },
        "required": ["attributes", "resource"],
        "additionalProperties": False,
    }


def _object(entries: Sequence[Entry]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {entry.attribute.name: _value(entry) for entry in entries},
        "required": [entry.attribute.name for entry in entries if entry.attribute.required],
        "additionalProperties": False,
    }


def _value(entry: Entry) -> dict[str, Any]:
    row = entry.attribute
    value: dict[str, Any] = {"description": entry.brief, "examples": list(entry.examples)}
    if row.type == "int":
        return {**value, "type": "integer", "minimum": 0, "maximum": row.maximum}
    value["type"] = "string"
    if row.values:
        return {**value, "enum": list(row.values)}
    texts = f"^(?:{row.pattern})$"
    if row.on_invalid == "_OTHER":
        texts = f"^(?:_OTHER|{row.pattern})$"
    return {**value, "pattern": texts, **({"maxLength": row.max_length} if row.max_length else {})}
