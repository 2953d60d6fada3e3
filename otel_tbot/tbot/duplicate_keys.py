"""Refusing a document in which a mapping has a key twice, as tbot refuses it: which of the two counts is undefined."""

from __future__ import annotations

import yaml

from otel_tbot.errors import TbotConfigError
from otel_tbot.tbot.complaint import complaint
from otel_tbot.tbot.keys import NAMEABLE


def refuse_duplicate_keys(root: yaml.Node, source: str) -> None:
    """Look at every mapping of a document. Keys are compared as text, quoted or not.

    Raises:
        TbotConfigError: a key is there twice.
    """
    # Without recursion, and each node once, however many aliases lead to it.
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += [item for item in node.value if type(item) is not yaml.ScalarNode]
        elif isinstance(node, yaml.MappingNode):
            names = [key.value for key, _ in node.value if type(key) is yaml.ScalarNode]
            if len(set(names)) < len(names):
                raise _duplicate(node, source)
            waiting += [part for pair in node.value for part in pair if type(part) is not yaml.ScalarNode]


def _duplicate(mapping: yaml.MappingNode, source: str) -> TbotConfigError:
    keys = [key for key, _ in mapping.value if isinstance(key, yaml.ScalarNode)]
    seen: set[str] = set()
    for key in keys:
        if key.value in seen:
            break
        seen.add(key.value)
    name = key.value if key.value in NAMEABLE else ""
    what, line = "this key is in its mapping twice", key.start_mark.line + 1
    return TbotConfigError(complaint(what, "remove one of them", source=source, line=line, key=name))
