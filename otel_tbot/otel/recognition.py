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
    """An event, and the session that it belongs to."""

    event: StartEvent
    session: Session


def recognize(name: object, attributes: object) -> Found | None:
    """Return the event that a record or span carries, or None if it is none or a broken one.

    Its session is that of the attribute `session.id` where this is a UUID of version 4, else the process's own.
    """
    # A name of another type could compare as equal to ours.
    if type(name) is not str or name != EVENT_NAME or not isinstance(attributes, Mapping):
        return None
    try:
        return Found(StartEvent.from_attributes(attributes), _session(attributes.get("session.id")))
    except InvalidEventError:
        return None


def _session(session_id: object) -> Session:
    try:
        return Session(id=session_id)  # type: ignore[arg-type]  # any type may come in: the class checks
    except InvalidEventError:
        return current_session()


class Resources:
    """The resources of one batch: one for each session, which the encoder then keeps together."""

    def __init__(self) -> None:
        """Begin without any."""
        self._made: dict[str, Resource] = {}

    def of(self, session: Session) -> Resource:
        """Return the resource of a session."""
        if session.id not in self._made:
            self._made[session.id] = resource(session)
        return self._made[session.id]
