"""How tbot's YAML library (Go's yaml.v3) reads a scalar in a string field or a boolean field.

A boolean field accepts the string `yes`, quoted or not, and rejects the string `"true"`. Numbers are recognized and
never converted: nothing here needs one, and a million digits would take long.
"""

from __future__ import annotations

import re

import yaml

_CORE = "tag:yaml.org,2002:"
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
# Words of YAML 1.1 that yaml.v3 still accepts in a boolean field.
_OLD_TRUE = frozenset({"y", "Y", "yes", "Yes", "YES", "on", "On", "ON"})
_OLD_FALSE = frozenset({"n", "N", "no", "No", "NO", "off", "Off", "OFF"})
# A run of digits may contain `_`. No part can match in two ways, so the time is linear in the length.
_NUMBER = re.compile(
    r"[-+]?(?:0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+"
    r"|(?:\.[0-9_]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9_]+)?|\.(?:inf|Inf|INF))|\.(?:nan|NaN|NAN)"
)


def is_null(node: yaml.Node) -> bool:
    """Return whether a node is null, which counts as missing in any field."""
    return isinstance(node, yaml.ScalarNode) and _kind(node) == "null"


def as_text(node: yaml.ScalarNode) -> str | None:
    """Return the scalar as a string field reads it, null as the empty string; None if it is of another type."""
    kind = _kind(node)
    if kind == "null":
        return ""
    return str(node.value) if kind == "str" else None


def as_boolean(node: yaml.ScalarNode) -> bool | None:
    """Return the scalar as a boolean field reads it, null as false; None if it is of another type."""
    kind = _kind(node)
    if kind in {"bool", "str"}:
        true, false = (_TRUE, _FALSE) if kind == "bool" else (_OLD_TRUE, _OLD_FALSE)
        return True if node.value in true else False if node.value in false else None
    return False if kind == "null" else None


def is_merge_key(key: yaml.ScalarNode) -> bool:
    """Return whether a key merges other mappings in: `<<`, unquoted."""
    return bool(key.value == "<<" and (key.tag == _CORE + "merge" or (not key.tag and not key.style)))


def _kind(node: yaml.ScalarNode) -> str:
    if not node.tag:
        return "str" if node.style else _plain_kind(node.value)
    explicit = node.tag.removeprefix(_CORE)
    # An explicit tag must match the form of the text. Only `!!str` matches any.
    return explicit if explicit == "str" or explicit == _plain_kind(node.value) else "other"


def _plain_kind(text: str) -> str:
    if text in _NULLS:
        return "null"
    if text in _TRUE or text in _FALSE:
        return "bool"
    return "number" if text[0] in "+-.0123456789" and _NUMBER.fullmatch(text) else "str"
