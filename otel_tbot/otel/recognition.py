"""Recognises our event among a pipeline's records and spans: what is not wholly a `tbot.start` is not ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from otel_tbot.errors import InvalidEventError
from otel_tbot.event import StartEvent
from otel_tbot.otel.payload import resource
from otel_tbot.schema.table import EVENT_NAME
from otel_tbot.session import Session, current_session

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource


class Found(NamedTuple):
    """An event, and what its record or span says of its session."""

    event: StartEvent
    session_id: object


def recognize(name: object, attributes: object) -> Found | None:
    """Return the event that a record or span carries, or None if it is none.

    Raises:
        InvalidEventError: it is named as ours, and has values that ours cannot have.
    """
    # A name of another type could compare as equal to ours.
    if type(name) is not str or name != EVENT_NAME:
        return None
    values = attributes if isinstance(attributes, Mapping) else {}
    return Found(StartEvent.from_attributes(values), values.get("session.id"))


class Resources:
    """The resources of one batch: one for each session, which the encoder then keeps together."""

    def __init__(self) -> None:
        """Begin without any."""
        self._made: dict[str, Resource] = {}

    def of(self, session_id: object) -> Resource:
        """Return the resource of a session: the named one, or the process's where no UUID of version 4 is named."""
        # An object of another type could claim to equal a session's id; none of them is one.
        key = session_id if type(session_id) is str else ""
        if key not in self._made:
            session = _session(key)
            self._made[key] = self._made.setdefault(session.id, resource(session))
        return self._made[key]


def _session(session_id: str) -> Session:
    try:
        return Session(id=session_id)
    except InvalidEventError:
        return current_session()
