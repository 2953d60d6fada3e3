"""A host with logging, hooks and telemetry of its own, which reports a start of tbot in one way.

`python -m tests.promises.host_application WAY OWN_BACKEND [wait]` works, reports, works again and ends. It prints the
names of what is different after the report. `WAY` is one of `none`, `send`, `emit` and `global`; the last goes into the
global providers, to which this host adds its own exporters. With `wait` it says when it reports, and
goes on after a line of input.
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
NEVER = 600_000  # milliseconds: what is sent goes out when the host says so, so that requests can be compared


def excepthook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Stand for the host's own way of reporting what was not caught."""
    print("not caught", kind, error, traceback, file=sys.stderr)  # noqa: T201  a host may


def thread_excepthook(arguments: threading.ExceptHookArgs) -> None:
    """Stand for the same in threads."""
    print("not caught in a thread", arguments, file=sys.stderr)  # noqa: T201  a host may


def on_signal(number: int, _frame: FrameType | None) -> None:
    """Stand for the host's own handling of signals."""
    os.write(sys.stderr.fileno(), b"signal %d\n" % number)  # printing may be what the signal has interrupted


def arrange() -> None:
    """Arrange all that a library might disturb, in a way that no library would by itself."""
    logging.basicConfig(level=logging.INFO, format="root: %(name)s: %(message)s")
    logging.getLogger("host").addHandler(logging.StreamHandler(sys.stdout))
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)
    # What ours tells the host, it tells by a logger of its name: this host does not want to hear it.
    logging.getLogger("otel_tbot").setLevel(logging.CRITICAL)
    logging.disable(logging.DEBUG)
    warnings.simplefilter("error", UserWarning)
    sys.excepthook, threading.excepthook = excepthook, thread_excepthook
    for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGALRM):
        signal.signal(number, on_signal)
    socket.setdefaulttimeout(33)
    random.seed(7)
    atexit.register(print, "the host ends")
    # The first of these in a process registers a function at exit, and urllib3 makes one for each of its pools.
    weakref.finalize(excepthook, int)
    context.attach(baggage.set_baggage("customer", "of-the-host"))


class Telemetry:
    """The host's own telemetry, which goes to its own backend."""

    def __init__(self, backend: str) -> None:
        """Add exporters to the global providers, and make these where no one has."""
        if not isinstance(trace.get_tracer_provider(), TracerProvider):
            trace.set_tracer_provider(TracerProvider(resource=RESOURCE))
        if not isinstance(get_logger_provider(), LoggerProvider):
            set_logger_provider(LoggerProvider(resource=RESOURCE))
        tracers, loggers = trace.get_tracer_provider(), get_logger_provider()
        assert isinstance(tracers, TracerProvider)
        assert isinstance(loggers, LoggerProvider)
        self.tracers, self.loggers = tracers, loggers
        tracers.add_span_processor(
            BatchSpanProcessor(OTLPSpanExporter(f"{backend}/v1/traces"), schedule_delay_millis=NEVER)
        )
        loggers.add_log_record_processor(
            BatchLogRecordProcessor(OTLPLogExporter(endpoint=f"{backend}/v1/logs"), schedule_delay_millis=NEVER)
        )
        reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{backend}/v1/metrics"), NEVER)
        self.meters = MeterProvider([reader], RESOURCE)
        self._jobs = self.meters.get_meter("host", "1.0").create_counter("jobs", unit="{job}")

    def work(self, number: int) -> None:
        """Leave a span, a log record, a measurement and a line of the log."""
        with self.tracers.get_tracer("host", "1.0").start_as_current_span(f"job {number}"):
            self._jobs.add(1, {"job": number})
            record = LogRecord(body=f"job {number}", severity_number=SeverityNumber.INFO)
            self.loggers.get_logger("host", "1.0").emit(record)
            logging.getLogger("host").info("job %d is done", number)

    def flush(self) -> None:
        """Send what there is; the connections stay."""
        self.loggers.force_flush()
        self.tracers.force_flush()

    def end(self) -> None:
        """Send what is left."""
        for provider in (self.tracers, self.loggers, self.meters):
            provider.shutdown()


def report(way: str, telemetry: Telemetry) -> None:
    """Report a start of tbot in one way."""
    if way == "none":
        return
    import otel_tbot  # noqa: PLC0415  its import, too, must change nothing

    event = otel_tbot.StartEvent(run_mode="daemon", version="18.2.3")
    if way == "send":
        for name in ("logs", "traces"):
            otel_tbot.send(event, signal=name)
    elif way == "emit":
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


def main(way: str, backend: str, wait: str = "") -> None:
    """Work, report, look around, work again and end."""
    arrange()
    telemetry = Telemetry(backend)
    with telemetry.tracers.get_tracer("host").start_as_current_span("all jobs"):
        telemetry.work(1)
        telemetry.flush()
        before = snapshot()
        if way == "global":
            del before["descriptors"]  # exporters keep their connections until they are shut down
        if wait:
            print("reporting", flush=True)  # noqa: T201  for the test
        report(way, telemetry)
        if wait:
            sys.stdin.readline()
        print("different:", differences(before))  # noqa: T201  the result
        telemetry.work(2)
    telemetry.end()
    sys.exit(3)


if __name__ == "__main__":
    main(*sys.argv[1:])
