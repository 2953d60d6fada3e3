"""The first document of a YAML text, read in bounded time and memory, its keys unique and its merges resolved."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml

from otel_tbot.errors import TbotConfigError
from otel_tbot.tbot.yaml_reader.loader import DEPTH_LIMIT, TooDeepError, first_document
from otel_tbot.tbot.yaml_reader.merge_keys import MergeResolver

if TYPE_CHECKING:
    from otel_tbot.tbot.yaml_reader.merge_keys import Fields

# DOC: """Refusing a document in which a mapping has a key twice, as tbot refuses it: which of the two counts is undefined."""


# libyaml compares each %TAG directive with all before it: 65,000 of them, 1 MiB, take ten seconds.
TAG_DIRECTIVE_LIMIT = 100

# What no YAML document may hold (YAML 1.1, section 5.1).
_NOT_PRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REPAIR = "repair the YAML"


class Document:
    """A document.

    Attributes:
        root: its outermost node.
        source: what complaints call it.
    """

    def __init__(self, root: yaml.Node, source: str, read_keys: frozenset[str]) -> None:
        """Keep the nodes."""
        self.root = root
        self.source = source
        self._keys = MergeResolver(source, read_keys)

    def fields(self, mapping: yaml.MappingNode) -> Fields:
        """Return what stands under the keys of one of the document's mappings, as far as they are read."""
        return self._keys.fields(mapping)


def read_document(text: str, source: str, read_keys: frozenset[str], printable_keys: frozenset[str]) -> Document:
    """Read the first document; what follows it may be anything.

    Args:
        text: the whole text.
        source: its name in error messages.
        read_keys: the keys that are kept.
        printable_keys: the keys that an error may name.

    Raises:
        TbotConfigError: there is no document, it is no YAML, a key is there twice, or a limit is exceeded.
    """
    if unprintable := _NOT_PRINTABLE.search(text):
        what = "this line holds a character that YAML does not allow"
        position = text.count("\n", 0, unprintable.start()) + 1
        raise TbotConfigError(what, _REPAIR, source=source, line=position)
    if text.count("%TAG") > TAG_DIRECTIVE_LIMIT:
        what = f"there are more than {TAG_DIRECTIVE_LIMIT} %TAG directives"
        raise TbotConfigError(what, "write tags in full", source=source)
    root = _compose(text, source)
    refuse_duplicate_keys(root, source, printable_keys)
    return Document(root, source, read_keys)


def _compose(text: str, source: str) -> yaml.Node:
    what, remedy, line = "this is no valid YAML", _REPAIR, None
    try:
        root = first_document(text)
    except (TooDeepError, RecursionError) as error:  # the latter where the caller has used up Python's stack
        what, remedy = f"there are more than {DEPTH_LIMIT} levels", "flatten them"
        line = getattr(error, "line", None)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
    except (yaml.YAMLError, ValueError, ArithmeticError):
        # Without libyaml, absurd escapes and versions are numbers that Python refuses.
        pass
    else:
        if root is not None:
            return root
        what, remedy = "there is no YAML document", "write {} for an empty one"
    # Raised out here, so that the error keeps no link to PyYAML's, which quotes the text.
    raise TbotConfigError(what, remedy, source=source, line=line)


def refuse_duplicate_keys(root: yaml.Node, source: str, printable_keys: frozenset[str]) -> None:
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
                raise _duplicate(node, source, printable_keys)
            waiting += [part for pair in node.value for part in pair if type(part) is not yaml.ScalarNode]


def _duplicate(mapping: yaml.MappingNode, source: str, printable_keys: frozenset[str]) -> TbotConfigError:
    keys = [key for key, _ in mapping.value if isinstance(key, yaml.ScalarNode)]
    seen: set[str] = set()
    for key in keys:
        if key.value in seen:
            break
        seen.add(key.value)
    name = key.value if key.value in printable_keys else ""
    what, line = "this key is in its mapping twice", key.start_mark.line + 1
    return TbotConfigError(what, "remove one of them", source=source, line=line, key=name)
