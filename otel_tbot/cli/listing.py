"""Names and values as people read them: one a line, in columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def listing(title: str, values: Mapping[str, object]) -> Iterator[str]:
    """Return the lines of a title with its names and values below."""
    yield title
    width = max(map(len, values))
    yield from (f"  {name:<{width}}  {value}" for name, value in values.items())
