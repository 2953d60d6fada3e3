"""Recognises our event among a pipeline's records and spans: what is not wholly a `tbot.start` is not ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from otel_tbot.errors import InvalidEventError
from otel_tbot.event import valid
from otel_tbot.otel.origin import resource
from otel_tbot.schema.table import EVENT_NAME
from otel_tbot.session import Session, current_session

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource

    from otel_tbot.event import EventAttributes


class Batch:
    """Recognises the events of one batch, and makes one resource for each session, which the encoder keeps together."""

    def __init__(self) -> None:
        """Begin without any."""
        self._resources: dict[str, Resource] = {}

    def recognize(self, name: object, attributes: object) -> tuple[EventAttributes, Resource] | None:
        """Return the event that a record or span carries, and the resource of its session; None if it carries none.

        Raises:
            InvalidEventError: it is named as ours, and has values that ours cannot have.
        """
        # A name of another type could compare as equal to ours.
        if type(name) is not str or name != EVENT_NAME:
            return None
        values = attributes if isinstance(attributes, Mapping) else {}
        return valid(values), self._resource(values.get("session.id"))

    def _resource(self, session_id: object) -> Resource:
        """Return the resource of a session: the named one, or the process's where no UUID of version 4 is named."""
        # An object of another type could claim to equal a session's id; none of them is one.
        key = session_id if type(session_id) is str else ""
        if key not in self._resources:
            session = _session(key)
            self._resources[key] = self._resources.setdefault(session.id, resource(session))
        return self._resources[key]


def _session(session_id: str) -> Session:
    try:
        return Session(id=session_id)
    except InvalidEventError:
        return current_session()
