"""The schema as a readable page: `docs/reference/event.md`, and `otel-tbot schema --format markdown`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from otel_tbot.schema.registry import Entry, Registry


def markdown(registry: Registry) -> str:
    """Return the documentation page of the event."""
    return "\n".join(_lines(registry)) + "\n"


def _lines(registry: Registry) -> Iterator[str]:
    yield f"# The event `{registry.event_name}`"
    yield ""
    yield "<!-- Generated from otel_tbot/schema/registry/tbot.yaml by `make generate`. -->"
    yield ""
    yield "This page lists every value that otel-tbot can send. Nothing else is sent."
    yield ""
    yield f"**As a log record** (the default): event name `{registry.event_name}`. {registry.event_note}"
    yield ""
    yield f"**As a span**: name `{registry.event_name}`, kind internal. {registry.span_note}"
    yield ""
    yield "**Scope**: name `otel_tbot` and the version of this package."
    yield ""
    yield "## Attributes of the event"
    yield ""
    yield from _table(registry.event)
    yield ""
    yield "## Attributes of the resource"
    yield ""
    yield from _table(registry.resource)
    yield ""
    yield "## Allowed values"
    yield ""
    for entry in (*registry.event, *registry.resource):
        yield f"- `{entry.attribute.name}`: {_allowed(entry)}"


def _table(entries: Sequence[Entry]) -> Iterator[str]:
    yield "| attribute | type | present | meaning | why it is collected | example |"
    yield "|---|---|---|---|---|---|"
    for entry in entries:
        row = entry.attribute
        cells = (f"`{row.name}`", row.type, entry.requirement, entry.brief, entry.reason, f"`{entry.examples[0]}`")
        yield f"| {' | '.join(cells)} |"


def _allowed(entry: Entry) -> str:
    row = entry.attribute
    if row.type == "int":
        return f"0 to {row.maximum}; a larger number is sent as {row.maximum}."
    if row.values:
        allowed = ", ".join(f"`{value}`" for value in row.values)
    else:
        length = f", at most {row.max_length} characters" if row.max_length else ""
        rest = "; what follows is dropped" if row.drop_rest else ""
        allowed = f"{entry.form or f'`{row.pattern}`'}{length}{rest}"
    return (
        allowed
        + {
            "omit": "; anything else is left out.",
            "_OTHER": "; anything else is sent as `_OTHER`.",
            "refuse": ".",
        }[row.on_invalid]
    )
