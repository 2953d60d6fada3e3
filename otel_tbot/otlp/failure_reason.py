"""Why an export failed: the transports leave the reason here, since OTLP exporters return only success or failure."""

from __future__ import annotations

import re

NOT_AN_OTLP_RESPONSE = "the backend's response is not an OTLP response: is this an OTLP endpoint?"


def cause_of(reason: str) -> str:
    """Return a reason without the counts and times in it: what is reported once, whatever the numbers are.

    The status of HTTP stays, since 404 and 503 are two causes. There are finitely many causes.
    """
    return re.sub(r"(?<!HTTP )\b[0-9.]+\b", "N", reason)


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
