"""What stands under the keys of a mapping, with what the key `<<` merges in from other mappings."""

from __future__ import annotations

import yaml

from otel_tbot.errors import TbotConfigError
from otel_tbot.tbot.yaml_reader.scalars import is_merge_key

Fields = dict[str, yaml.Node]


class MergeResolver:
    """The fields of a document's mappings.

    Each mapping is merged once, however many aliases lead to it, and only keys that are read are kept: so what a
    document takes is limited by its length.
    """

    def __init__(self, source: str, read_keys: frozenset[str]) -> None:
        """Read a document.

        Args:
            source: its name in error messages.
            read_keys: the keys that are kept.
        """
        self._source = source
        self._read_keys = read_keys
        # By the id of the node, so the document must outlive this. None: begun and not finished.
        self._known: dict[int, Fields | None] = {}

    def fields(self, mapping: yaml.MappingNode) -> Fields:
        """Return what stands under the keys that are read: first the mapping's own, then those merged, in order.

        Raises:
            TbotConfigError: what is merged is no mapping or list of mappings, or contains itself.
        """
        own, merged = self._split(mapping)
        return own if merged is None else {**self._merged(merged), **own}

    def _merged(self, node: yaml.Node) -> Fields:
        waiting = [node]
        while waiting:
            current = waiting[-1]
            if self._known.get(id(current)) is not None:
                waiting.pop()
                continue
            parts = self._parts(current)
            missing = [part for part in parts if self._known.get(id(part)) is None]
            if not missing:
                self._known[id(current)] = self._together(current, parts)
            elif id(current) in self._known:
                raise self._refusal(current, "this mapping is merged into itself")
            else:
                self._known[id(current)] = None
                waiting.extend(missing)
        return self._known[id(node)] or {}

    def _parts(self, node: yaml.Node) -> list[yaml.Node]:
        """Return what has to be known before the node's own fields can be."""
        if isinstance(node, yaml.MappingNode):
            merged = self._split(node)[1]
            return [] if merged is None else [merged]
        if isinstance(node, yaml.SequenceNode) and all(isinstance(item, yaml.MappingNode) for item in node.value):
            return list(node.value)
        raise self._refusal(node, "only a mapping or a list of mappings can be merged by <<")

    def _together(self, node: yaml.Node, parts: list[yaml.Node]) -> Fields:
        fields: Fields = {}
        # The earlier wins.
        for part in reversed(parts):
            fields.update(self._known[id(part)] or {})
        if isinstance(node, yaml.MappingNode):
            fields.update(self._split(node)[0])
        return fields

    def _refusal(self, node: yaml.Node, what: str) -> TbotConfigError:
        line = node.start_mark.line + 1
        return TbotConfigError(what, "repair the YAML", source=self._source, line=line)

    def _split(self, mapping: yaml.MappingNode) -> tuple[Fields, yaml.Node | None]:
        """Return what the mapping itself says under keys that are read, and what it merges in."""
        own: Fields = {}
        merged = None
        for key, value in mapping.value:
            if type(key) is yaml.ScalarNode:
                if key.value in self._read_keys:
                    own[key.value] = value
                elif is_merge_key(key):
                    merged = value
        return own, merged
