"""Judges the response of a backend over HTTP: accepted, or the reason why not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError

from otel_tbot.otlp.failure_reason import NOT_AN_OTLP_RESPONSE, partial_success_reason

if TYPE_CHECKING:
    from google.protobuf.message import Message

MAX_RESPONSE_BYTES = 64 * 1024  # OTLP's response is empty or a short message


def judge(status: int, content_type: str, body: bytes | None, message: type[Message], rejected: tuple[str, str]) -> str:
    """Return why a response is not a full success; empty if it is.

    Args:
        status: the HTTP status.
        content_type: the header `Content-Type`; empty if there is none.
        body: the response's body; None if it is longer than `MAX_RESPONSE_BYTES`.
        message: OTLP's response of the signal.
        rejected: the field of its partial success that counts what was rejected, and what that is.
    """
    if 300 <= status < 400:  # noqa: PLR2004  the class of redirects
        return f"the backend redirected (HTTP {status}): configure the address it redirects to"
    if not 200 <= status < 300:  # noqa: PLR2004  the class of success
        return f"the backend answered HTTP {status}"
    if body is None:
        return "the backend's response is too long to be an OTLP response: is this an OTLP endpoint?"
    try:
        parsed: Any = _parse(content_type.partition(";")[0].strip().lower(), body, message())
    except (DecodeError, json_format.ParseError, ValueError, RecursionError):
        return NOT_AN_OTLP_RESPONSE
    count = getattr(parsed.partial_success, rejected[0])
    return partial_success_reason(count, rejected[1]) if count else ""


def _parse(kind: str, body: bytes, message: Message) -> Message:
    """Parse a response of success (OTLP specification, "OTLP/HTTP Response")."""
    if not body:
        return message
    if kind == "application/json":
        # By proto3's rules: both spellings of a field, null for an unset one, numbers as texts.
        content = json.loads(body)
        if isinstance(content, dict):
            return json_format.ParseDict(content, message, ignore_unknown_fields=True)
    elif kind == "application/x-protobuf":
        message.ParseFromString(body)
        return message
    error = "not an OTLP response"
    raise ValueError(error)
