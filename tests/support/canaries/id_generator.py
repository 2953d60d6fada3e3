"""A third-party id generator of OpenTelemetry whose ids are canaries."""

from __future__ import annotations

from opentelemetry.sdk.trace.id_generator import IdGenerator

from tests.support.canaries.resource_detector import word


class CanaryIdGenerator(IdGenerator):
    """Generate ids that are canaries."""

    def generate_trace_id(self) -> int:
        """Return the canary."""
        return int.from_bytes(word("trace id").encode(), "big")

    def generate_span_id(self) -> int:
        """Return the first half of the canary."""
        return int.from_bytes(word("span id").encode()[:8], "big")

    def is_trace_id_random(self) -> bool:
        """Return False: the ids are constant."""
        return False
