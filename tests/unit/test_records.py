"""Records are built from validated values and constants, with unpredictable ids."""

from __future__ import annotations

import secrets

import pytest
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.trace import ReadableSpan

from otel_tbot import Session, StartEvent
from otel_tbot.records import build_record, build_resource, build_span

EVENT = StartEvent(run_mode="daemon")
SECOND = 1_000_000_000


def test_signal() -> None:
    """The signal logs gives log records, traces gives spans."""
    logs = build_record("logs", EVENT.attributes, Session(), timestamp_ns=SECOND)
    span = build_record("traces", EVENT.attributes, Session(), timestamp_ns=SECOND)
    assert isinstance(logs, ReadableLogRecord)
    assert isinstance(span, ReadableSpan)


@pytest.mark.parametrize(("drawn", "ids"), [(0, (1, 1)), (5, (6, 6))])
def test_span_ids(monkeypatch: pytest.MonkeyPatch, drawn: int, ids: tuple[int, int]) -> None:
    """Ids come from the system's random source and are never 0, the invalid id."""
    limits = []

    def draw(limit: int) -> int:
        limits.append(limit)
        return drawn

    monkeypatch.setattr(secrets, "randbelow", draw)
    context = build_span(EVENT.attributes, build_resource(Session()), start_ns=SECOND, end_ns=SECOND).context
    assert (context.trace_id, context.span_id) == ids
    # All bits of W3C Trace Context, without the invalid id.
    assert limits == [0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF]


def test_span_context() -> None:
    """The span is local and sampled."""
    context = build_span(EVENT.attributes, build_resource(Session()), start_ns=SECOND, end_ns=SECOND).context
    assert (context.is_remote, int(context.trace_flags)) == (False, 1)


def test_end_before_the_start() -> None:
    """A span never ends before it starts."""
    span = build_span(EVENT.attributes, build_resource(Session()), start_ns=2 * SECOND, end_ns=SECOND)
    assert (span.start_time, span.end_time) == (2 * SECOND, 2 * SECOND)
