"""Where an event comes from, as the SDK's objects: the resource of its session, and the scope of this package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from otel_tbot.otel.payload import SCOPE_NAME, resource_attributes
from otel_tbot.version import __version__

if TYPE_CHECKING:
    from otel_tbot.session import Session

SCOPE = InstrumentationScope(SCOPE_NAME, __version__)


def resource(session: Session) -> Resource:
    """Return the resource of a session, without anything from the environment."""
    return Resource(resource_attributes(session))
