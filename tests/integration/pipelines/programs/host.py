"""An application with its own spans, logs and metrics, which also reports a start of tbot: `host.py`.

It does not know how OpenTelemetry is configured, and uses Python's logging, too.
"""

from __future__ import annotations

import logging

from opentelemetry._logs import LogRecord, SeverityNumber, get_logger
from opentelemetry.metrics import get_meter
from opentelemetry.trace import SpanKind, get_tracer

from otel_tbot import StartEvent, emit, emit_span

WORKED = 7


def main() -> None:
    """Do some work, and report a start in the middle of it."""
    tracer = get_tracer("host", "1.0")
    counter = get_meter("host", "1.0").create_counter("jobs", unit="{job}")
    logger = get_logger("host", "1.0")
    event = StartEvent(run_mode="daemon", version="18.2.3")
    with tracer.start_as_current_span("job", kind=SpanKind.SERVER, attributes={"job.name": "nightly"}) as job:
        for number in range(WORKED):
            with tracer.start_as_current_span(f"step {number}"):
                counter.add(number, {"step": number})
                logger.emit(LogRecord(body=f"step {number}", severity_number=SeverityNumber.INFO))
        emit(event)
        emit_span(event)
        job.add_event("reported")
        logging.getLogger("host").error("the job is done")


if __name__ == "__main__":
    main()
