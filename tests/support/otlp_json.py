"""Make requests in OTLP/JSON comparable: without the times and ids that differ from run to run."""

from __future__ import annotations

from typing import Any

_ID_FIELDS = {"traceId", "spanId", "parentSpanId"}
_ID_ATTRIBUTES = {"service.instance.id", "session.id"}


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
