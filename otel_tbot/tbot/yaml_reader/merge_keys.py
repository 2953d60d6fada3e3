"""The fields of a mapping, including those that the key `<<` merges in from other mappings."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

import yaml

from otel_tbot.errors import TbotConfigError
from otel_tbot.tbot.yaml_reader.scalars import is_merge_key

Fields = dict[str, yaml.Node]


class MergeResolver:
    """The fields of a document's mappings.

    Each mapping is merged once, regardless of the number of its aliases, and only known keys are kept, so that the cost
    of a document is limited by its length.
    """

    def __init__(self, source: str, read_keys: frozenset[str]) -> None:
        """Resolve the mappings of one document.

        Args:
            source: its name in error messages.
            read_keys: the keys that are kept.
        """
        self._source = source
        self._read_keys = read_keys
        # By the id of the node, so the document must outlive this.
        self._resolved: dict[int, Fields] = {}

    def fields(self, mapping: yaml.MappingNode) -> Fields:
        """Return the nodes by key: those of the mapping take precedence, then the merged ones in order.

        Raises:
            TbotConfigError: `<<` names something other than mappings, or a mapping merges itself.
        """
        own, merged = self._split(mapping)
        return own if merged is None else {**self._resolve(merged), **own}

    def _resolve(self, node: yaml.Node) -> Fields:
        """Return the fields of a node to be merged: a mapping, or a list of mappings."""
        nodes, sources = self._reachable(node)
        order = TopologicalSorter({key: [id(source) for source in found] for key, found in sources.items()})
        try:
            for key in order.static_order():
                if key not in self._resolved:
                    self._resolved[key] = self._combine(nodes[key], sources[key])
        except CycleError as error:
            cycle = error.args[1]
        else:
            return self._resolved[id(node)]
        # Raised outside the handler, so that the error keeps no link to another.
        raise self._error_at(nodes[cycle[0]], "this mapping merges itself", "remove the merge")

    def _reachable(self, node: yaml.Node) -> tuple[dict[int, yaml.Node], dict[int, list[yaml.Node]]]:
        """Return the unresolved nodes that a node merges, directly or not, and what each of them merges."""
        nodes: dict[int, yaml.Node] = {}
        sources: dict[int, list[yaml.Node]] = {}
        waiting = [node]
        while waiting:
            current = waiting.pop()
            if id(current) not in nodes and id(current) not in self._resolved:
                nodes[id(current)] = current
                sources[id(current)] = self._sources(current)
                waiting += sources[id(current)]
        return nodes, sources

    def _sources(self, node: yaml.Node) -> list[yaml.Node]:
        """Return the nodes that a node merges fields from."""
        if isinstance(node, yaml.MappingNode):
            merged = self._split(node)[1]
            return [] if merged is None else [merged]
        if isinstance(node, yaml.SequenceNode) and all(isinstance(item, yaml.MappingNode) for item in node.value):
            return list(node.value)
        raise self._error_at(node, "<< can merge only a mapping or a list of mappings", "correct it")

    def _combine(self, node: yaml.Node, sources: list[yaml.Node]) -> Fields:
        fields: Fields = {}
        # The earlier source takes precedence.
        for source in reversed(sources):
            fields.update(self._resolved[id(source)])
        if isinstance(node, yaml.MappingNode):
            fields.update(self._split(node)[0])
        return fields

    def _split(self, mapping: yaml.MappingNode) -> tuple[Fields, yaml.Node | None]:
        """Return the mapping's own fields, and the node that it merges."""
        own: Fields = {}
        merged = None
        for key, value in mapping.value:
            if type(key) is yaml.ScalarNode:
                if key.value in self._read_keys:
                    own[key.value] = value
                elif is_merge_key(key):
                    merged = value
        return own, merged

    def _error_at(self, node: yaml.Node, problem: str, remedy: str) -> TbotConfigError:
        return TbotConfigError(problem, remedy, source=self._source, line=node.start_mark.line + 1)
