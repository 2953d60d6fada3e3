"""The sampler drops every span without consent; with it, it records our event and delegates the rest."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState, set_span_in_context

from otel_tbot import OptInSampler


def names_recorded(sampler: Sampler) -> list[str]:
    """Return the names of the spans that a sampler records."""
    memory = InMemorySpanExporter()
    provider = TracerProvider(sampler=sampler)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    for name in ("tbot.start", "other"):
        provider.get_tracer("test").start_span(name).end()
    return [span.name for span in memory.get_finished_spans()]


def test_off() -> None:
    """Without consent no span is recorded, regardless of the delegate sampler."""
    assert names_recorded(OptInSampler(ALWAYS_ON)) == []


@pytest.mark.usefixtures("opted_in")
def test_on() -> None:
    """With consent our event is recorded, regardless of the delegate sampler."""
    assert names_recorded(OptInSampler(ALWAYS_OFF)) == ["tbot.start"]
    assert names_recorded(OptInSampler(ALWAYS_ON)) == ["tbot.start", "other"]


@pytest.mark.parametrize(
    ("argument", "description"),
    [
        (None, "ParentBased{root:AlwaysOnSampler"),
        ("", "ParentBased{root:AlwaysOnSampler"),
        ("always_off", "AlwaysOffSampler"),
        ("Parentbased_Always_Off", "ParentBased{root:AlwaysOffSampler"),
        ("traceidratio=0.25", "TraceIdRatioBased{0.25}"),
        ("parentbased_traceidratio=0.5", "ParentBased{root:TraceIdRatioBased{0.5}"),
    ],
)
def test_argument(argument: str | None, description: str) -> None:
    """The argument names the sampler for other spans as in the specification."""
    assert OptInSampler(argument).get_description().startswith(f"OptInSampler{{{description}")


def test_trace_state_is_kept() -> None:
    """A dropped span keeps the trace state of its parent for its children, as with `ALWAYS_OFF`."""
    state = TraceState([("vendor", "x")])
    remote = SpanContext(trace_id=1, span_id=2, is_remote=True, trace_flags=TraceFlags(1), trace_state=state)
    context = set_span_in_context(NonRecordingSpan(remote))
    assert OptInSampler().should_sample(context, 1, "other").trace_state == state


@pytest.mark.parametrize("argument", ["canary", "traceidratio", "traceidratio=2", "traceidratio=x", "always_on=1", 7])
def test_unknown_argument(argument: Any, caplog: pytest.LogCaptureFixture) -> None:  # noqa: ANN401  any may come in
    """An unknown sampler name is reported in one warning, and does not abort the host's setup."""
    assert OptInSampler(argument).get_description().startswith("OptInSampler{ParentBased{root:AlwaysOnSampler")
    assert len(caplog.messages) == 1
    assert "canary" not in caplog.text
