"""A mapping of the configuration, read by the types of tbot's fields. What is of another type is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from otel_tbot.errors import TbotConfigError
from otel_tbot.tbot.join_uri import JoinUri
from otel_tbot.tbot.yaml_reader.scalars import as_boolean, as_text, is_null

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_tbot.tbot.yaml_reader.document import Document


class MappingReader:
    """A mapping of the configuration."""

    __slots__ = ("_document", "_fields", "_line")

    def __init__(self, mapping: yaml.MappingNode | None, document: Document, line: int) -> None:
        """Look at a mapping.

        Args:
            mapping: the mapping; None for an empty one.
            document: the document that it is in.
            line: its line there.
        """
        self._fields = {} if mapping is None else document.fields(mapping)
        self._document = document
        self._line = line

    def node(self, key: str) -> yaml.Node | None:
        """Return what stands under the key; None if nothing or null does."""
        node = self._fields.get(key)
        return None if node is None or is_null(node) else node

    def boolean(self, key: str) -> bool:
        """Return a boolean field; false if nothing stands there."""
        node = self._fields.get(key)
        if node is None:
            return False
        value = as_boolean(node) if isinstance(node, yaml.ScalarNode) else None
        if value is None:
            raise self.error_at(key=key, problem="this is no boolean", remedy="write true or false, without quotes")
        return value

    def text(self, key: str) -> str:
        """Return a text field; empty if nothing stands there."""
        node = self._fields.get(key)
        if node is None:
            return ""
        value = as_text(node) if isinstance(node, yaml.ScalarNode) else None
        if value is None:
            raise self.error_at(
                key=key, problem="this is no text", remedy="write a text, in quotes if it looks otherwise"
            )
        return value

    def join_uri(self, key: str) -> JoinUri | None:
        """Return a join URI; None if nothing or an empty text stands there."""
        text = self.text(key)
        return JoinUri(text=text, source=self._document.source, line=self._line_of(key), key=key) if text else None

    def section(self, key: str) -> MappingReader:
        """Return a mapping; an empty one if nothing stands there."""
        node = self.node(key)
        if node is not None and not isinstance(node, yaml.MappingNode):
            raise self.error_at(key=key, problem="this is no mapping", remedy="write keys and values")
        return MappingReader(node, self._document, self._line_of(key))

    def options(self, key: str) -> set[str]:
        """Return what a list of options names, each as a text or as a mapping from its name to its settings."""
        names: set[str] = set()
        for item in self._items(key):
            if isinstance(item, yaml.ScalarNode):
                names.add(item.value)
            elif isinstance(item, yaml.MappingNode):
                # To tbot, null settings are no option.
                names.update(name for name, value in self._document.fields(item).items() if not is_null(value))
        return names

    def entries(self, key: str) -> Iterator[MappingReader]:
        """Return a list of mappings, one by one; nothing if nothing stands there."""
        for item in self._items(key):
            line = item.start_mark.line + 1
            if not isinstance(item, yaml.MappingNode):
                what, remedy = "this entry is no mapping", "write its keys and values"
                raise TbotConfigError(what, remedy, source=self._document.source, line=line, key=key)
            yield MappingReader(item, self._document, line)

    def error_at(self, key: str, problem: str, remedy: str) -> TbotConfigError:
        """Return the error that says what is wrong under a key."""
        return TbotConfigError(problem, remedy, source=self._document.source, line=self._line_of(key), key=key)

    def _items(self, key: str) -> list[yaml.Node]:
        node = self.node(key)
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            raise self.error_at(key=key, problem="this is no list", remedy="write a list")
        items: list[yaml.Node] = node.value
        return items

    def _line_of(self, key: str) -> int:
        node = self._fields.get(key)
        return self._line if node is None else node.start_mark.line + 1
