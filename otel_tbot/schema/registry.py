"""Reads the registry's YAML, for `make generate` and the command `schema`. Sending does not need it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

from otel_tbot.schema.attribute import Attribute

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = "tbot.yaml"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An attribute with its documentation.

    Attributes:
        attribute: the row that validates its values.
        requirement: when it is present.
        brief: what it says, in one sentence.
        reason: why it is collected.
        examples: values that it may have.
        form: its pattern in words; empty if the pattern needs no explanation.
    """

    attribute: Attribute
    requirement: str
    brief: str
    reason: str
    examples: tuple[str | int, ...]
    form: str


@dataclass(frozen=True, kw_only=True)
class Registry:
    """Everything that may be sent.

    Attributes:
        event_name: the name of the event, and of its span.
        event_note: what the log record carries in addition to the attributes.
        span_note: what the span carries in addition to them.
        event: the attributes of the event, in the order in which they are sent.
        resource: the attributes of the resource, in the same order.
    """

    event_name: str
    event_note: str
    span_note: str
    event: tuple[Entry, ...]
    resource: tuple[Entry, ...]


def text() -> str:
    """Return the shipped registry, in YAML."""
    return resources.files(__package__).joinpath("registry").joinpath(SOURCE).read_text(encoding="utf-8")


def load() -> Registry:
    """Read the shipped registry."""
    import yaml  # noqa: PLC0415  takes 29 ms, and only this function needs it

    document: dict[str, Any] = yaml.safe_load(text())
    (event,), (span,), (group,), (session,) = (
        document[section] for section in ("events", "spans", "attribute_groups", "entities")
    )
    defined = {definition["key"]: definition for definition in document["attributes"]}
    return Registry(
        event_name=event["name"],
        event_note=event["note"],
        span_note=span["note"],
        event=tuple(_entry(defined[reference["ref"]], reference) for reference in group["attributes"]),
        resource=tuple(_entry({}, reference) for reference in _resource_references(session)),
    )


def _resource_references(session: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from session["identity"]
    yield from session["description"]


def _entry(definition: dict[str, Any], reference: dict[str, Any]) -> Entry:
    merged = {**definition, **reference}
    rules: dict[str, Any] = dict(merged["annotations"]["otel_tbot"])
    reason, form = rules.pop("reason"), rules.pop("form", "")
    kind = rules.pop("type", None) or merged["type"]
    values = rules.pop("values", ())
    if isinstance(kind, dict):
        values = (member["value"] for member in kind["members"])
        kind = "string"
    level = merged["requirement_level"]
    return Entry(
        attribute=Attribute(
            name=reference["ref"], type=kind, required=level == "required", values=tuple(values), **rules
        ),
        requirement="always" if level == "required" else level["conditionally_required"],
        brief=merged["brief"],
        reason=reason,
        examples=tuple(merged["examples"]),
        form=form,
    )
