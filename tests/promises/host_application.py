"""A host application with its own logging, hooks and telemetry, which reports a start of tbot.

`python -m tests.promises.host_application ENTRY_POINT BACKEND [wait]` works, reports, works again and ends. It prints
the names of the shared state that the report has changed. `ENTRY_POINT` is `none`, `send`, `emit` or `global`; the last
one uses the global providers, to which this host adds its own exporters. With `wait` it prints a line before it
reports, and waits for a line of input afterwards.
"""

from __future__ import annotations

import atexit
import logging
import os
import random
import signal
import socket
import sys
import threading
import warnings
import weakref
from typing import TYPE_CHECKING

from opentelemetry import baggage, context, trace
from opentelemetry._logs import LogRecord, SeverityNumber, get_logger_provider, set_logger_provider
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from tests.promises.host_state import differences, snapshot

if TYPE_CHECKING:
    from types import FrameType, TracebackType

RESOURCE = Resource({"service.name": "host"})
NEVER = 600_000  # milliseconds; requests only leave at a flush, so that they can be compared
TIMEOUT = 30  # seconds, of this host's own exporters: a busy machine must not make them retry or fail


def excepthook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """The host's own hook for uncaught exceptions."""
    print("not caught", kind, error, traceback, file=sys.stderr)  # noqa: T201  a host may


def thread_excepthook(arguments: threading.ExceptHookArgs) -> None:
    """The host's own hook for uncaught exceptions in threads."""
    print("not caught in a thread", arguments, file=sys.stderr)  # noqa: T201  a host may


def on_signal(number: int, _frame: FrameType | None) -> None:
    """The host's own signal handler."""
    os.write(sys.stderr.fileno(), b"signal %d\n" % number)  # not `print`, which the signal may have interrupted


def configure_process() -> None:
    """Configure everything that a library might disturb, with values that no library would set."""
    logging.basicConfig(level=logging.INFO, format="root: %(name)s: %(message)s")
    logging.getLogger("host").addHandler(logging.StreamHandler(sys.stdout))
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)
    # This host does not want our log messages.
    logging.getLogger("otel_tbot").setLevel(logging.CRITICAL)
    logging.disable(logging.DEBUG)
    warnings.simplefilter("error", UserWarning)
    sys.excepthook, threading.excepthook = excepthook, thread_excepthook
    for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGALRM):
        signal.signal(number, on_signal)
    socket.setdefaulttimeout(33)
    random.seed(7)
    atexit.register(print, "the host ends")
    # The first `finalize` in a process registers a function at exit, and urllib3 calls it for each pool.
    weakref.finalize(excepthook, int)
    context.attach(baggage.set_baggage("customer", "of-the-host"))


class Telemetry:
    """The host's own telemetry, sent to its own backend."""

    def __init__(self, backend: str) -> None:
        """Add exporters to the global providers, and create these where they do not exist."""
        if not isinstance(trace.get_tracer_provider(), TracerProvider):
            trace.set_tracer_provider(TracerProvider(resource=RESOURCE))
        if not isinstance(get_logger_provider(), LoggerProvider):
            set_logger_provider(LoggerProvider(resource=RESOURCE))
        tracers, loggers = trace.get_tracer_provider(), get_logger_provider()
        assert isinstance(tracers, TracerProvider)
        assert isinstance(loggers, LoggerProvider)
        self.tracers, self.loggers = tracers, loggers
        spans = OTLPSpanExporter(f"{backend}/v1/traces", timeout=TIMEOUT)
        tracers.add_span_processor(BatchSpanProcessor(spans, schedule_delay_millis=NEVER))
        records = OTLPLogExporter(endpoint=f"{backend}/v1/logs", timeout=TIMEOUT)
        loggers.add_log_record_processor(BatchLogRecordProcessor(records, schedule_delay_millis=NEVER))
        reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{backend}/v1/metrics", timeout=TIMEOUT), NEVER)
        self.meters = MeterProvider([reader], RESOURCE)
        self._jobs = self.meters.get_meter("host", "1.0").create_counter("jobs", unit="{job}")

    def work(self, number: int) -> None:
        """Create a span, a log record, a measurement and a log line."""
        with self.tracers.get_tracer("host", "1.0").start_as_current_span(f"job {number}"):
            self._jobs.add(1, {"job": number})
            record = LogRecord(body=f"job {number}", severity_number=SeverityNumber.INFO)
            self.loggers.get_logger("host", "1.0").emit(record)
            logging.getLogger("host").info("job %d is done", number)

    def flush(self) -> None:
        """Send the queued items; the connections stay open."""
        self.loggers.force_flush()
        self.tracers.force_flush()

    def shutdown(self) -> None:
        """Send the remaining items and close."""
        for provider in (self.tracers, self.loggers, self.meters):
            provider.shutdown()


def report(entry_point: str, telemetry: Telemetry) -> None:
    """Report a start of tbot by an entry point."""
    if entry_point == "none":
        return
    import otel_tbot  # noqa: PLC0415  its import, too, must change nothing

    event = otel_tbot.StartEvent(run_mode="daemon", version="18.2.3")
    if entry_point == "send":
        for name in ("logs", "traces"):
            otel_tbot.send(event, signal=name)
    elif entry_point == "emit":
        loggers, tracers = LoggerProvider(shutdown_on_exit=False), TracerProvider(shutdown_on_exit=False)
        loggers.add_log_record_processor(BatchLogRecordProcessor(otel_tbot.AnonymousLogExporter()))
        tracers.add_span_processor(BatchSpanProcessor(otel_tbot.AnonymousSpanExporter()))
        otel_tbot.emit(event, logger_provider=loggers)
        otel_tbot.emit_span(event, tracer_provider=tracers)
        loggers.shutdown()
        tracers.shutdown()
    else:
        otel_tbot.emit(event)
        otel_tbot.emit_span(event)
        telemetry.flush()


def main(entry_point: str, backend: str, wait: str = "") -> None:
    """Work, report, compare the shared state, work again and end."""
    configure_process()
    telemetry = Telemetry(backend)
    with telemetry.tracers.get_tracer("host").start_as_current_span("all jobs"):
        telemetry.work(1)
        telemetry.flush()
        before = snapshot()
        if entry_point == "global":
            del before["descriptors"]  # exporters keep their connections until they are shut down
        if wait:
            print("reporting", flush=True)  # noqa: T201  for the test
        report(entry_point, telemetry)
        if wait:
            sys.stdin.readline()
        print("different:", differences(before))  # noqa: T201  the result
        telemetry.work(2)
    telemetry.shutdown()
    sys.exit(3)


if __name__ == "__main__":
    main(*sys.argv[1:])
