"""A mapping, read by the types of the expected fields. A value of another type is an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from otel_tbot.errors import TbotConfigError
from otel_tbot.tbot.yaml_reader.scalars import as_boolean, as_text, is_null

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_tbot.tbot.yaml_reader.document import Document


class MappingReader:
    """Reads the fields of one mapping.

    Attributes:
        source: the document's name in error messages.
    """

    __slots__ = ("_document", "_fields", "_line", "source")

    def __init__(self, mapping: yaml.MappingNode | None, document: Document, line: int) -> None:
        """Read a mapping.

        Args:
            mapping: the mapping; None for an empty one.
            document: the document that it is in.
            line: its line there.
        """
        self._fields = {} if mapping is None else document.fields(mapping)
        self._document = document
        self.source = document.source
        self._line = line

    def node(self, key: str) -> yaml.Node | None:
        """Return the node of a key; None if the key is missing or null."""
        node = self._fields.get(key)
        return None if node is None or is_null(node) else node

    def boolean(self, key: str) -> bool:
        """Return a boolean field; false if the key is missing."""
        node = self._fields.get(key)
        if node is None:
            return False
        value = as_boolean(node) if isinstance(node, yaml.ScalarNode) else None
        if value is None:
            raise self.error_at(key, "not a boolean", "write true or false, without quotes")
        return value

    def text(self, key: str) -> str:
        """Return a string field; empty if the key is missing."""
        node = self._fields.get(key)
        if node is None:
            return ""
        value = as_text(node) if isinstance(node, yaml.ScalarNode) else None
        if value is None:
            raise self.error_at(key, "not a string", "put the value in quotes")
        return value

    def mapping(self, key: str) -> MappingReader:
        """Return a mapping; an empty one if the key is missing."""
        node = self.node(key)
        if node is not None and not isinstance(node, yaml.MappingNode):
            raise self.error_at(key, "not a mapping", "write keys and values")
        return MappingReader(node, self._document, self.line_of(key))

    def options(self, key: str) -> set[str]:
        """Return the names in a list of options: each is a string, or a mapping from its name to its settings."""
        names: set[str] = set()
        for item in self._items(key):
            if isinstance(item, yaml.ScalarNode):
                names.add(item.value)
            elif isinstance(item, yaml.MappingNode):
                # tbot ignores an option with null settings.
                names.update(name for name, value in self._document.fields(item).items() if not is_null(value))
        return names

    def entries(self, key: str) -> Iterator[MappingReader]:
        """Return a list of mappings, one by one; nothing if the key is missing."""
        for item in self._items(key):
            line = item.start_mark.line + 1
            if not isinstance(item, yaml.MappingNode):
                what, remedy = "this entry is not a mapping", "write its keys and values"
                raise TbotConfigError(what, remedy, source=self.source, line=line, key=key)
            yield MappingReader(item, self._document, line)

    def error_at(self, key: str, problem: str, remedy: str) -> TbotConfigError:
        """Return the error for the value of a key."""
        return TbotConfigError(problem, remedy, source=self.source, line=self.line_of(key), key=key)

    def _items(self, key: str) -> list[yaml.Node]:
        node = self.node(key)
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            raise self.error_at(key, "not a list", "write a list")
        items: list[yaml.Node] = node.value
        return items

    def line_of(self, key: str) -> int:
        """Return the line of a key's value, from 1; the mapping's if the key is missing."""
        node = self._fields.get(key)
        return self._line if node is None else node.start_mark.line + 1
