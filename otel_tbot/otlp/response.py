"""Checks the response of a backend over HTTP: accepted, or the reason why not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError

from otel_tbot.otlp.failure_reason import NOT_AN_OTLP_RESPONSE, partial_success_reason

if TYPE_CHECKING:
    from google.protobuf.message import Message

_JSON = "application/json"
_PROTOBUF = "application/x-protobuf"
_MAX_WORD_BYTES = 64


def rejection_reason(
    status: int, content_type: str, body: bytes | None, message: type[Message], rejected: tuple[str, str]
) -> str:
    """Return why a response is not a full success; empty if it is.

    If a body parses as an OTLP response, its content decides, unless its type says that it is something else.

    Args:
        status: the HTTP status.
        content_type: the header `Content-Type`; empty if there is none.
        body: the response's body; None if it is longer than any OTLP response.
        message: the OTLP response of the signal.
        rejected: the field of its partial success that counts rejected items, and the name of these items.
    """
    if not 200 <= status < 300:  # noqa: PLR2004  the class of success
        if 300 <= status < 400:  # noqa: PLR2004  the class of redirects
            return f"the backend redirected (HTTP {status}): configure the address it redirects to"
        return f"the backend answered HTTP {status}"
    if body is None:
        return "the backend's response is too long to be an OTLP response: is this an OTLP endpoint?"
    kind = content_type.partition(";")[0].strip().lower()
    parsed: Any
    if kind == _JSON:
        parsed = _parse_json(body, message())
    elif kind == _PROTOBUF:
        parsed = _parse_protobuf(body, message())
    else:
        parsed = _parse_known_fields(body, message()) or _parse_json(body, message())
    if parsed is not None:
        count = getattr(parsed.partial_success, rejected[0])
        return partial_success_reason(count, rejected[1]) if count else ""
    # Some backends answer with a word, such as "OK". A page means that something other than a backend answered.
    is_word = kind not in {_JSON, _PROTOBUF, "text/html"} and len(body) <= _MAX_WORD_BYTES and b"<" not in body
    return "" if is_word else NOT_AN_OTLP_RESPONSE


def _parse_json(body: bytes, message: Message) -> Message | None:
    """Parse by proto3's rules: both forms of a field's name, null for an unset field, numbers as strings."""
    from google.protobuf import json_format  # noqa: PLC0415  a tenth of the transport's import, and rarely needed

    try:
        content = json.loads(body or b"{}")
        if isinstance(content, dict):
            return json_format.ParseDict(content, message, ignore_unknown_fields=True)
    except (json_format.ParseError, ValueError, RecursionError):
        pass
    return None


def _parse_protobuf(body: bytes, message: Message) -> Message | None:
    try:
        message.ParseFromString(body)
    except DecodeError:
        return None
    return message


def _parse_known_fields(body: bytes, message: Message) -> Message | None:
    """Parse protobuf with another content type, strictly: many short texts are valid protobuf with unknown fields."""
    parsed = _parse_protobuf(body, message)
    if parsed is not None:
        parsed.DiscardUnknownFields()
        if parsed.ByteSize() < len(body):
            return None
    return parsed
