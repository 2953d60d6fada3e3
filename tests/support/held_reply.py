"""A backend's reply that a test holds until it has done something else, so that no time decides which comes first."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event

from otel_tbot.testing import Reply

_TIMEOUT = 20  # seconds; a failed test that releases nothing must end, too


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldReply(Reply):
    """A reply that is sent when the test calls `release`; the request has been stored before."""

    _released: Event = field(default_factory=Event, init=False, repr=False, compare=False)

    def release(self) -> None:
        """Send the reply."""
        self._released.set()

    @property
    def wait_seconds(self) -> float:
        """Zero, once the reply is released."""
        self._released.wait(_TIMEOUT)
        return 0
