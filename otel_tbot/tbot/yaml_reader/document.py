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

# libyaml compares each %TAG directive with all previous ones: 65,000 of them, 1 MiB, take ten seconds.
TAG_DIRECTIVE_LIMIT = 100

_TOO_DEEP = f"there are more than {DEPTH_LIMIT} levels"
# libyaml's reason since PyYAML 6.0.4: it reads ahead, and has its own limit.
_TOO_DEEP_FOR_LIBYAML = "exceeded maximum nesting depth"
# Characters that a YAML document must not have (YAML 1.1, section 5.1).
_NOT_PRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# libyaml's constant texts, which quote nothing from the document. Any other reason of a parser is left out.
PARSER_REASONS = frozenset(
    {
        "block sequence entries are not allowed in this context",
        "could not find expected ':'",
        "did not find expected ',' or ']'",
        "did not find expected ',' or '}'",
        "did not find expected '-' indicator",
        "did not find expected key",
        "did not find expected node content",
        "found a tab character where an indentation space is expected",
        "found character that cannot start any token",
        "found undefined alias",
        "found unexpected end of stream",
        "mapping values are not allowed in this context",
    }
)


class Document:
    """A document.

    Attributes:
        root: its outermost node.
        source: its name in error messages.
    """

    def __init__(self, root: yaml.Node, source: str, read_keys: frozenset[str]) -> None:
        """Store the root; `read_keys` are the keys that are kept."""
        self.root = root
        self.source = source
        self._keys = MergeResolver(source, read_keys)

    def fields(self, mapping: yaml.MappingNode) -> Fields:
        """Return the fields of one of the document's mappings, as far as they are read."""
        return self._keys.fields(mapping)


def read_document(text: str, source: str, read_keys: frozenset[str], printable_keys: frozenset[str]) -> Document:
    """Read the first document; anything may follow it.

    Args:
        text: the whole text.
        source: its name in error messages.
        read_keys: the keys that are kept.
        printable_keys: the keys that an error may name.

    Raises:
        TbotConfigError: there is no document, it is not YAML, a key occurs twice, or a limit is exceeded.
    """
    if unprintable := _NOT_PRINTABLE.search(text):
        what = "not valid YAML (control character)"
        position = text.count("\n", 0, unprintable.start()) + 1
        raise TbotConfigError(what, "remove it", source=source, line=position)
    if text.count("%TAG") > TAG_DIRECTIVE_LIMIT:
        what = f"there are more than {TAG_DIRECTIVE_LIMIT} %TAG directives"
        raise TbotConfigError(what, "write tags in full", source=source)
    root = _compose(text, source)
    reject_duplicate_keys(root, source, printable_keys)
    return Document(root, source, read_keys)


def _compose(text: str, source: str) -> yaml.Node:
    what, remedy, line = "not valid YAML", "correct it", None
    try:
        root = first_document(text)
    except (TooDeepError, RecursionError) as error:  # the latter if the caller has used up Python's stack
        what, remedy = _TOO_DEEP, "flatten them"
        line = getattr(error, "line", None)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        if error.problem == _TOO_DEEP_FOR_LIBYAML:
            what, remedy = _TOO_DEEP, "flatten them"
        elif error.problem in PARSER_REASONS:
            what += f" ({error.problem})"
    except (yaml.YAMLError, ValueError, ArithmeticError):
        # Without libyaml, huge escapes and versions are numbers that Python rejects.
        pass
    else:
        if root is not None:
            return root
        what, remedy = "no YAML document", "write {} for an empty one"
    # Raised outside the handler, so that the error keeps no link to PyYAML's, which quotes the text.
    raise TbotConfigError(what, remedy, source=source, line=line)


def reject_duplicate_keys(root: yaml.Node, source: str, printable_keys: frozenset[str]) -> None:
    """Check every mapping of a document. Keys are compared as text, quoted or not, as by tbot.

    Raises:
        TbotConfigError: a key occurs twice.
    """
    # Without recursion, and each node once, regardless of the number of its aliases.
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
    what, line = "duplicate key", key.start_mark.line + 1
    return TbotConfigError(what, "remove one of them", source=source, line=line, key=name)
