"""What both servers share: the received requests, and the replies to the next ones."""

from __future__ import annotations

from threading import Condition, Event
from typing import TYPE_CHECKING

from otel_tbot.testing.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otel_tbot.testing.received import ReceivedRequest


class Inbox:
    """Stores what arrives, in order; used by several threads.

    Attributes:
        stopping: set when the servers stop; a delayed answer waits on it.
    """

    def __init__(self) -> None:
        """Start empty; accept everything."""
        self.stopping = Event()
        self._changed = Condition()
        self._requests: list[ReceivedRequest] = []
        self._connections = 0
        self._malformed = 0
        self._replies: list[Reply] = [Reply()]

    @property
    def requests(self) -> list[ReceivedRequest]:
        """The requests so far."""
        with self._changed:
            return list(self._requests)

    @property
    def connections(self) -> int:
        """The number of HTTP connections and gRPC calls so far."""
        with self._changed:
            return self._connections

    @property
    def malformed_requests(self) -> int:
        """The number of requests that were not OTLP."""
        with self._changed:
            return self._malformed

    def receive(self, request: ReceivedRequest) -> Reply:
        """Store a request, and return the reply to it."""
        with self._changed:
            self._requests.append(request)
            self._changed.notify_all()
            return self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]

    def count_connection(self) -> None:
        """Count an HTTP connection or a gRPC call."""
        with self._changed:
            self._connections += 1

    def count_malformed(self) -> None:
        """Count a request that was not OTLP."""
        with self._changed:
            self._malformed += 1

    def wait(self, count: int, timeout: float) -> list[ReceivedRequest]:
        """Wait until this many requests have arrived.

        Raises:
            TimeoutError: they have not, within this many seconds.
        """
        with self._changed:
            if self._changed.wait_for(lambda: len(self._requests) >= count, timeout):
                return list(self._requests)
            arrived = (
                f"{len(self._requests)} arrived and {self._malformed} were rejected, in {self._connections} connections"
            )
            message = f"waited {timeout:g} s for {count} requests: {arrived}"
            raise TimeoutError(message)

    def answer_with(self, replies: Sequence[Reply]) -> None:
        """Use these replies from now on, in order, and the last of them for all later requests."""
        with self._changed:
            self._replies = list(replies)

    def clear(self) -> None:
        """Discard what arrived and the counts; the replies stay."""
        with self._changed:
            self._requests.clear()
            self._connections = 0
            self._malformed = 0
