"""PyYAML, set up to compose the first document of a text within a bounded depth, with scalars as written.

tbot's YAML library (Go's yaml.v3) reads scalars in another way than PyYAML: `scalars` does this. Leaving out PyYAML's
resolution also saves enough time for the checks that follow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml
from yaml.composer import Composer, ComposerError
from yaml.resolver import BaseResolver

if TYPE_CHECKING:
    _InstalledLoader = yaml.SafeLoader
else:
    # libyaml's if PyYAML was built with it, like its wheels: many times faster.
    _InstalledLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# Real configurations have fewer than ten levels. PyYAML's composer recurses, and libyaml's time grows with the square.
DEPTH_LIMIT = 100


class TooDeepError(Exception):
    """There are more levels than the limit allows; `line` is the line of the first."""

    def __init__(self, line: int) -> None:
        """Set the line."""
        super().__init__(line)
        self.line = line


class _Hooks(BaseResolver):
    """What PyYAML and its binding to libyaml call for each node."""

    _depth = 0

    def resolve(self, kind: type[yaml.Node], value: str | None, implicit: object) -> str:  # noqa: ARG002  PyYAML's
        """Leave a node without a tag untagged."""
        return ""

    def descend_resolver(self, current_node: yaml.Node | None, current_index: object) -> None:  # noqa: ARG002  PyYAML's
        """Go a level down, within the limit."""
        self._depth += 1
        if self._depth > DEPTH_LIMIT and current_node is not None:
            raise TooDeepError(current_node.start_mark.line + 1)

    def ascend_resolver(self) -> None:
        """Go a level up."""
        self._depth -= 1


class _Loader(_Hooks, _InstalledLoader):
    """The usual loader."""


class _Rebinding(Composer):
    """Composes in Python, and lets a document redefine an anchor, as YAML and tbot do and PyYAML does not."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose a node; forget its anchor if it is known."""
        if not self.check_event(yaml.AliasEvent):  # type: ignore[attr-defined]  # the parser's method, from another base class
            self.anchors.pop(self.peek_event().anchor, None)  # type: ignore[attr-defined]  # the parser's method
        return super().compose_node(parent, index)


class _RebindingLoader(_Hooks, _Rebinding, _InstalledLoader):
    """The slower loader, tried second."""

    def __init__(self, text: str) -> None:
        _InstalledLoader.__init__(self, text)
        Composer.__init__(self)


def first_document(text: str) -> yaml.Node | None:
    """Return the root of the first document, or None if there is none. An alias and its anchor share their node.

    Raises:
        yaml.YAMLError: the text up to the end of the first document is not YAML.
        TooDeepError: the document has too many levels.
    """
    try:
        return _compose(_Loader(text))
    except ComposerError as error:
        if error.context is None:  # an alias without an anchor, not a redefined anchor
            raise
    return _compose(_RebindingLoader(text))


def _compose(loader: _Loader | _RebindingLoader) -> yaml.Node | None:
    try:
        return loader.get_node() if loader.check_node() else None
    finally:
        loader.dispose()
