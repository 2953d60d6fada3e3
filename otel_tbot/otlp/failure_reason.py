"""Why an export failed: the transports leave the reason here, since OTLP exporters return only success or failure."""

from __future__ import annotations

import os
import re
from contextlib import suppress

REFUSED = "connection refused: nothing listens at the endpoint's host and port"
HOST_NOT_FOUND = "host not found: check the name in the endpoint"
CLOSED = "the connection was closed before the response"
TLS_FAILED = "TLS with the backend failed: check the certificates, and whether the endpoint is https"
NOT_HTTP = "the answer is not HTTP: by convention port 4317 is gRPC's and 4318 is HTTP's"
NOT_GRPC = "the answer is not gRPC: by convention port 4318 is HTTP's and 4317 is gRPC's"
NO_CONNECTION = "no connection to the backend"
PATH_TWICE = "the endpoint has the signal's path twice: OTEL_EXPORTER_OTLP_ENDPOINT is its base"
NOT_AN_OTLP_RESPONSE = "the backend's response is not an OTLP response: is this an OTLP endpoint?"


def without_numbers(reason: str) -> str:
    """Return a reason without counts and times, so that it is reported once, regardless of the numbers.

    The HTTP status stays, because 404 and 503 are two causes. The number of causes is finite.
    """
    return re.sub(r"(?<!HTTP )\b[0-9.]+\b", "N", reason)


def describe_exception(error: Exception) -> str:
    """Return the kind of an error, and the `OTEL_*` variable that its message names; never the message itself."""
    kind = type(error).__name__
    with suppress(Exception):  # an error from a host's object
        for name in re.findall(r"\bOTEL_[A-Z_]+\b", str(error)):
            if name in os.environ:
                return f"{kind}: {name} cannot be used"
    return kind


class FailureReason:
    """Why the last attempt of an exporter failed; empty if it did not."""

    def __init__(self) -> None:
        """Start without a reason."""
        self.reason = ""


def partial_success_reason(rejected: int, what: str) -> str:
    """Return the reason for OTLP's partial success.

    Args:
        rejected: how many records the backend rejected.
        what: what they are, such as `span(s)`.
    """
    return f"the backend rejected {rejected} {what}"
