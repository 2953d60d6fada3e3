"""Make requests in OTLP/JSON comparable: without the times and ids that differ from run to run, or with their form."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict

if TYPE_CHECKING:
    from otel_tbot.testing import ReceivedRequest

_ID_FIELDS = {"traceId", "spanId", "parentSpanId"}
_ID_ATTRIBUTES = {"service.instance.id", "session.id"}
# Fields that are random or depend on the clock, and their form; in OTLP/JSON, times are strings.
_RANDOM_FIELDS = {
    "traceId": re.compile("[0-9a-f]{32}"),
    "spanId": re.compile("[0-9a-f]{16}"),
    "timeUnixNano": re.compile("[0-9]{10}0{9}"),
    "observedTimeUnixNano": re.compile("[0-9]{10}0{9}"),
    "startTimeUnixNano": re.compile("[0-9]{10}0{9}"),
    "endTimeUnixNano": re.compile("[0-9]{10}0{9}"),
}


def without_times(part: Any) -> Any:  # noqa: ANN401  any part of a request
    """Return a part of a request with every time set to 0."""
    if isinstance(part, (list, tuple)):
        return type(part)(map(without_times, part))
    if not isinstance(part, dict):
        return part
    return {name: 0 if name.endswith("UnixNano") else without_times(value) for name, value in part.items()}


def without_ids(part: Any) -> Any:  # noqa: ANN401  any part of a request
    """Return a part of a request without the ids of traces, spans, instances and sessions, which are random."""
    if isinstance(part, (list, tuple)):
        return type(part)(map(without_ids, part))
    if not isinstance(part, dict):
        return part
    if part.get("key") in _ID_ATTRIBUTES:
        return {"key": part["key"]}
    return {name: without_ids(value) for name, value in part.items() if name not in _ID_FIELDS}


def normalized(part: Any) -> Any:  # noqa: ANN401  any part of a message
    """Replace random and time-dependent values by their form; a value with another form is kept."""
    if isinstance(part, list):
        return [normalized(one) for one in part]
    if not isinstance(part, dict):
        return part
    if part.get("key") in _ID_ATTRIBUTES and is_uuid4(part["value"]["stringValue"]):
        return {**part, "value": "a UUID of version 4"}
    return {
        name: _RANDOM_FIELDS[name].pattern
        if name in _RANDOM_FIELDS and _RANDOM_FIELDS[name].fullmatch(str(value))
        else normalized(value)
        for name, value in part.items()
    }


def is_uuid4(text: str) -> bool:
    """Return whether a text is a random UUID in its usual form."""
    return uuid.UUID(text).version == 4 and str(uuid.UUID(text)) == text


def received_json(request: ReceivedRequest) -> dict[str, Any]:
    """Return the message of a request as OTLP/JSON."""
    for one in request.spans:
        # Protobuf's own JSON has ids in base64. They are replaced by ids in the form of OTLP/JSON.
        assert (len(one.span.trace_id), len(one.span.span_id)) == (16, 8)
    document: dict[str, Any] = MessageToDict(request.message, use_integers_for_enums=True)
    for resource_group in document.get("resourceSpans", ()):
        for scope_group in resource_group["scopeSpans"]:
            for span in scope_group["spans"]:
                span.update(traceId="0" * 32, spanId="0" * 16)
    return document


def sessions(document: dict[str, Any]) -> set[str]:
    """Return the session ids in a message."""
    (resource_group,) = document.get("resourceLogs") or document["resourceSpans"]
    attributes = resource_group["resource"]["attributes"]
    return {one["value"]["stringValue"] for one in attributes if one["key"] in _ID_ATTRIBUTES}


def without_empty(part: Any) -> Any:  # noqa: ANN401  any part of a message
    """Return a message without empty messages: the Collector writes a status that is not set as {}."""
    if isinstance(part, list):
        return [without_empty(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {name: without_empty(value) for name, value in part.items() if value != {}}
