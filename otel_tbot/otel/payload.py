"""The payload: the values of what leaves beside the event's own. Each is validated or constant.

`log_record.py` and `span.py` make the SDK's objects of them, anew. Nothing that came in is passed on.
"""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING

from opentelemetry.sdk.version import __version__ as sdk_version

from otel_tbot.schema.table import RESOURCE_ATTRIBUTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from otel_tbot.session import Session

SCOPE_NAME = "otel_tbot"
SEVERITY_NUMBER = 9  # INFO in the data model of OpenTelemetry's logs
SECOND = 1_000_000_000  # in nanoseconds, the unit of every time in OTLP, where 0 stands for an unknown one
_LATEST = 2**63 - 1  # the last nanosecond that OTLP's readers agree on


def whole_second(nanoseconds: object = None) -> int:
    """Return a time in nanoseconds since 1970, cut to the whole second: the given one, or now if it is no such time."""
    # Called on the type, this makes a plain number also of an object that only behaves like one.
    exact = int.__index__(nanoseconds) if isinstance(nanoseconds, int) and not isinstance(nanoseconds, bool) else 0
    if not SECOND <= exact <= _LATEST:
        exact = time.time_ns()
    return exact - exact % SECOND


def _cleaned(values: Mapping[str, str]) -> dict[str, str]:
    """Return those of the resource's attributes that have a value, in the order of the schema."""
    cleaned = ((row.name, row.clean(values[row.name])) for row in RESOURCE_ATTRIBUTES if row.name in values)
    return {name: str(value) for name, value in cleaned if value is not None}


@cache
def _sdk_attributes() -> dict[str, str]:
    return _cleaned(
        {
            "telemetry.sdk.name": "opentelemetry",
            "telemetry.sdk.language": "python",
            "telemetry.sdk.version": sdk_version,
        }
    )


def resource_attributes(session: Session) -> dict[str, str]:
    """Return the resource of a session, in the order of the schema."""
    return {**_cleaned(session.attributes), **_sdk_attributes()}
