"""The event as a span of the SDK's, built anew from validated values and constants."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from otel_tbot.otel.origin import SCOPE
from otel_tbot.schema.table import EVENT_NAME

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource

    from otel_tbot.event import EventAttributes


def span(attributes: EventAttributes, session_resource: Resource, *, at: int, until: int) -> ReadableSpan:
    """Return an event as a root span with ids that nobody can predict.

    Args:
        attributes: the event's, validated.
        session_resource: what `resource` made of its session.
        at: the start in nanoseconds since 1970, cut to the whole second.
        until: the end, likewise.
    """
    context = SpanContext(
        # The SDK's generator uses the global `random`, which a host may have seeded.
        trace_id=_random_id(bits=128),
        span_id=_random_id(bits=64),
        is_remote=False,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
    return ReadableSpan(
        name=EVENT_NAME,
        context=context,
        resource=session_resource,
        attributes=attributes,
        kind=SpanKind.INTERNAL,
        status=Status(StatusCode.UNSET),
        start_time=at,
        end_time=max(at, until),
        instrumentation_scope=SCOPE,
    )


def _random_id(*, bits: int) -> int:
    # 0 is the invalid id (W3C Trace Context).
    return secrets.randbelow(2**bits - 1) + 1
