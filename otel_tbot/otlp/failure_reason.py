"""The verdict: what the transport saw of the last attempt, for the one line that tells why nothing arrived.

The OTLP exporters return no more than success or failure, and call a redirect and a rejected record a success.
"""

from __future__ import annotations

import threading

NOT_AN_OTLP_RESPONSE = "the backend's answer is not OTLP's: is this an OTLP endpoint?"


class FailureReason(threading.local):
    """Why the last attempt of this thread failed; empty where it did not.

    Kept for each thread, since a thread that came too late must not speak for the next export.
    """

    reason: str = ""


def partial_success_reason(rejected: int, what: str) -> str:
    """Return the reason for OTLP's partial success: records that the backend did not take."""
    return f"the backend rejected {rejected} {what}"
