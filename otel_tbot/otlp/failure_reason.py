"""Why an export failed: the transports leave the reason here, since OTLP exporters return only success or failure."""

from __future__ import annotations

import threading

NOT_AN_OTLP_RESPONSE = "the backend's response is not an OTLP response: is this an OTLP endpoint?"


class FailureReason(threading.local):
    """Why the last attempt of this thread failed; empty if it did not.

    One per thread, because an export that timed out must not report a reason for the next one.
    """

    reason: str = ""


def partial_success_reason(rejected: int, what: str) -> str:
    """Return the reason for OTLP's partial success.

    Args:
        rejected: how many records the backend rejected.
        what: what they are, such as `span(s)`.
    """
    return f"the backend rejected {rejected} {what}"
