"""Derives the rest from the registry: `make generate`, after a change to `registry/tbot.yaml`.

Writes `table.py` beside this file, and `docs/reference/event.md` in the source tree.
"""

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

TABLE = Path(__file__).with_name("table.py")
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "event.md"

_HEAD = '''\
"""The schema as constants: all that may leave. Generated from `registry/tbot.yaml` by `make generate`."""

from otel_tbot.schema.attribute import Attribute
'''


def table(registry: Registry) -> str:
    """Return the text of `table.py`."""
    return "".join(_table(registry))


def _table(registry: Registry) -> Iterator[str]:
    yield f'{_HEAD}\nEVENT_NAME = "{registry.event_name}"\n'
    for name, entries in (("EVENT_ATTRIBUTES", registry.event), ("RESOURCE_ATTRIBUTES", registry.resource)):
        yield f"\n{name} = (\n"
        for entry in entries:
            yield "    Attribute(\n"
            yield from _arguments(entry.attribute)
            yield "    ),\n"
        yield ")\n"


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


def main() -> None:
    """Write what derives from the registry."""
    registry = load()
    TABLE.write_text(table(registry), encoding="utf-8")
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(markdown(registry), encoding="utf-8")


if __name__ == "__main__":
    main()
