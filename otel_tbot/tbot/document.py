"""The first document of a YAML text, read in bounded time and memory, its keys unique and its merges resolved."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml

from otel_tbot.errors import TbotConfigError
from otel_tbot.tbot.complaint import complaint
from otel_tbot.tbot.duplicate_keys import refuse_duplicate_keys
from otel_tbot.tbot.loader import DEPTH_LIMIT, TooDeepError, first_document
from otel_tbot.tbot.merge_keys import MergedKeys

if TYPE_CHECKING:
    from otel_tbot.tbot.merge_keys import Fields

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

    def __init__(self, root: yaml.Node, source: str) -> None:
        """Keep the nodes."""
        self.root = root
        self.source = source
        self._keys = MergedKeys(source)

    def fields(self, mapping: yaml.MappingNode) -> Fields:
        """Return what stands under the keys of one of the document's mappings, as far as they are read."""
        return self._keys.fields(mapping)


def read_document(text: str, source: str) -> Document:
    """Read the first document; what follows it may be anything.

    Args:
        text: the whole text.
        source: what complaints call it.

    Raises:
        TbotConfigError: there is no document, it is no YAML, a key is there twice, or a limit is exceeded.
    """
    if unprintable := _NOT_PRINTABLE.search(text):
        what = "this line holds a character that YAML does not allow"
        position = text.count("\n", 0, unprintable.start()) + 1
        raise TbotConfigError(complaint(what, _REPAIR, source=source, line=position))
    if text.count("%TAG") > TAG_DIRECTIVE_LIMIT:
        what = f"there are more than {TAG_DIRECTIVE_LIMIT} %TAG directives"
        raise TbotConfigError(complaint(what, "write tags in full", source=source))
    root = _compose(text, source)
    refuse_duplicate_keys(root, source)
    return Document(root, source)


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
    raise TbotConfigError(complaint(what, remedy, source=source, line=line))
