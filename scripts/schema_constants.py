"""Generates `otel_tbot/schema/constants.py` and `docs/reference/event.md` from the registry."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from otel_tbot.schema.markdown import markdown
from otel_tbot.schema.registry import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_tbot.schema.attribute import Attribute
    from otel_tbot.schema.registry import Registry

_ROOT = Path(__file__).parents[1]
CONSTANTS = _ROOT / "otel_tbot" / "schema" / "constants.py"
PAGE = _ROOT / "docs" / "reference" / "event.md"

_HEAD = '''\
"""The schema as constants: everything that may be sent. Generated from `registry/tbot.yaml` by `make generate`."""

from typing import Literal, TypeAlias

from otel_tbot.schema.attribute import Attribute
'''


def constants(registry: Registry) -> str:
    """Return the text of `constants.py`."""
    return "".join(_constants(registry))


def _constants(registry: Registry) -> Iterator[str]:
    yield f'{_HEAD}\nEVENT_NAME = "{registry.event_name}"\n'
    for name, entries in (("EVENT_ATTRIBUTES", registry.event), ("RESOURCE_ATTRIBUTES", registry.resource)):
        yield f"\n{name} = (\n"
        for entry in entries:
            yield "    Attribute(\n"
            yield from _arguments(entry.attribute)
            yield "    ),\n"
        yield ")\n"
    # Closed sets that reject other values; the other attributes accept any text, and replace it if it is not allowed.
    for row in (entry.attribute for entry in registry.event):
        if row.values and row.on_invalid == "refuse":
            name = row.field.title().replace("_", "")
            yield f"\n{name}: TypeAlias = Literal[{', '.join(map(_literal, row.values))}]\n"


def _arguments(attribute: Attribute) -> Iterator[str]:
    for field in fields(attribute):
        value = getattr(attribute, field.name)
        if value == field.default:
            continue
        if isinstance(value, tuple) and len(value) == 1:
            yield f"        {field.name}=({_literal(value[0])},),\n"
        elif isinstance(value, tuple):
            yield f"        {field.name}=(\n"
            yield from (f"            {_literal(item)},\n" for item in value)
            yield "        ),\n"
        else:
            yield f"        {field.name}={_literal(value)},\n"


def _literal(value: object) -> str:
    if not isinstance(value, str):
        return repr(value)
    return f'r"{value}"' if "\\" in value else f'"{value}"'


def write() -> None:
    """Write both files."""
    registry = load()
    CONSTANTS.write_text(constants(registry), encoding="utf-8")
    PAGE.write_text(markdown(registry), encoding="utf-8")
