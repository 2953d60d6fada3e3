"""The join method that a join URI names: `tbot+<proxy|auth>+<method>://<token>[:<parameter>]@<address>`.

tbot resolves the URI after it has built its own event, which therefore usually has no method. This event has it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from otel_tbot.errors import TbotConfigError
from otel_tbot.schema.constants import EVENT_ATTRIBUTES

_METHODS = next(row.values for row in EVENT_ATTRIBUTES if row.field == "join_type")
# A URI's scheme cannot have the underscores of some methods: a dash or nothing replaces them.
_METHOD_OF = {method.replace("_", mark): method for method in _METHODS for mark in ("_", "-", "")}

# The scheme's case does not matter (RFC 3986, section 3.1). Go's net/url defines what may precede the @.
_URI = (
    r"tbot\+(?:proxy|auth)\+(?P<method>[a-z0-9][a-z0-9_.-]*)://"
    r"(?!:)(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+@[^\s/?#@]+/?"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class JoinUri:
    """A join URI as it was given, unchecked.

    Attributes:
        text: the URI. It contains the join token.
        source: the flag or file it comes from, for error messages.
        line: its line there.
        key: its key there.
    """

    text: str = field(repr=False)
    source: str
    line: int | None = None
    key: str = ""


def join_method(configured: str, uri: JoinUri | None) -> str:
    """Return the join method that applies; empty if there is none.

    Args:
        configured: the join method that is set in addition to the URI; may be empty.
        uri: the join URI, if there is one.

    Raises:
        TbotConfigError: the URI is malformed, or names a method other than the configured one.
    """
    if uri is None:
        return configured
    match = re.fullmatch(_URI, uri.text, re.IGNORECASE | re.ASCII)
    if match is None:
        raise _error(uri, "not a join URI", "write tbot+proxy+METHOD://TOKEN@ADDRESS, or auth instead of proxy")
    named = match["method"].lower()
    method = _METHOD_OF.get(named, named)
    if configured and configured != method:
        raise _error(uri, "the join URI and join_method name different methods", "leave one out")
    return method


def _error(uri: JoinUri, what: str, remedy: str) -> TbotConfigError:
    return TbotConfigError(what, remedy, source=uri.source, line=uri.line, key=uri.key)
