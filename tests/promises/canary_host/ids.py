"""A generator of ids that somebody else may have installed: the ids are names."""

from __future__ import annotations

from opentelemetry.sdk.trace.id_generator import IdGenerator

from tests.promises.canary_host.detector import word


class CanaryIdGenerator(IdGenerator):
    """Makes ids that are a name."""

    def generate_trace_id(self) -> int:
        """Return the name in full."""
        return int.from_bytes(word("trace id").encode(), "big")

    def generate_span_id(self) -> int:
        """Return as much of it as there is room for."""
        return int.from_bytes(word("span id").encode()[:8], "big")

    def is_trace_id_random(self) -> bool:
        """Say that it is not."""
        return False
