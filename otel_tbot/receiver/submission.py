"""A submission: one event of one tbot, validated, on its way from the service to the process that exports it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from otel_tbot.session import Session

if TYPE_CHECKING:
    from otel_tbot.event import EventAttributes

    Packed = tuple[EventAttributes, str, int]


class Submission(NamedTuple):
    """What goes to the backend for one start of one tbot.

    Attributes:
        attributes: the nine values.
        session: the session of that tbot.
        at: the time of the event in nanoseconds since 1970, cut to the whole second.
    """

    attributes: EventAttributes
    session: Session
    at: int

    def packed(self) -> Packed:
        """Return it in plain values, which reach another process quickly."""
        return self.attributes, self.session.id, self.at


def session(session_id: str) -> Session:
    """Return the session of a tbot. System and architecture are left out: they would be this machine's.

    Raises:
        InvalidEventError: the id is no UUID of version 4.
    """
    return Session(id=session_id, os_type=None, host_arch=None)
