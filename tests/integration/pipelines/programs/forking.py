"""A server that forks: reports a start in each of its workers, and in itself before or after, as log record and span.

Its argument is `before` or `after`.
"""

from __future__ import annotations

import os
import sys
import warnings

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from otel_tbot import AnonymousLogExporter, AnonymousSpanExporter, StartEvent, emit, emit_span

EVENT = StartEvent(run_mode="daemon")
WORKERS = 2


def main(own_report: str) -> None:
    """Report, fork, and wait for the workers."""
    loggers, tracers = LoggerProvider(), TracerProvider()
    loggers.add_log_record_processor(BatchLogRecordProcessor(AnonymousLogExporter()))
    tracers.add_span_processor(BatchSpanProcessor(AnonymousSpanExporter()))
    if own_report == "before":
        report(loggers, tracers)
    # Python 3.12 warns of every fork next to threads, which the SDK's batch processors have.
    warnings.simplefilter("ignore", DeprecationWarning)
    for _ in range(WORKERS):
        if os.fork() == 0:
            report(loggers, tracers)
            os._exit(0)
    for _ in range(WORKERS):
        _, status = os.wait()
        if status:
            raise SystemExit(status)
    if own_report == "after":
        report(loggers, tracers)


def report(loggers: LoggerProvider, tracers: TracerProvider) -> None:
    """Report the start of this process, and flush."""
    emit(EVENT, logger_provider=loggers)
    emit_span(EVENT, tracer_provider=tracers)
    loggers.force_flush()
    tracers.force_flush()


if __name__ == "__main__":
    main(sys.argv[1])
