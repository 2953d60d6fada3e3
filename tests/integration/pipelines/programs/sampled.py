"""Creates a span of tbot and one of the host in the global pipeline: `sampled.py` prints nothing."""

from __future__ import annotations

from opentelemetry.trace import get_tracer

from otel_tbot import StartEvent, emit_span

if __name__ == "__main__":
    emit_span(StartEvent(run_mode="daemon"))
    get_tracer("host").start_span("of the host").end()
