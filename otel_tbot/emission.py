"""Puts the event into a pipeline of the caller's, as a log record or as a span, by OpenTelemetry's API alone.

What leaves is decided by the exporter at the end of that pipeline: `AnonymousLogExporter` and `AnonymousSpanExporter`
build the event anew; another exporter adds the resource of its own pipeline.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from otel_tbot.host_log import warn
from otel_tbot.opt_in import consent
from otel_tbot.schema.table import EVENT_NAME
from otel_tbot.session import Session, current_session
from otel_tbot.version import __version__

if TYPE_CHECKING:
    from opentelemetry._logs import LoggerProvider
    from opentelemetry.trace import TracerProvider

    from otel_tbot.event import StartEvent


def emit(event: StartEvent, *, session: Session | None = None, logger_provider: LoggerProvider | None = None) -> None:
    """Emit an event as a log record. Does nothing without consent, and raises nothing.

    Args:
        event: what to report.
        session: the start that the event belongs to; the session of this process by default.
        logger_provider: the pipeline; the global one by default.
    """
    if not consent():
        return
    try:
        _emit_log_record(event, session or current_session(), logger_provider)
    except Exception as error:  # noqa: BLE001  a pipeline's fault must not reach the caller
        warn("tbot.start was not emitted: the pipeline failed (%s)", type(error).__name__)


def _emit_log_record(event: StartEvent, session: Session, logger_provider: LoggerProvider | None) -> None:
    # From here on there is consent: the imports of OpenTelemetry begin.
    from opentelemetry._logs import get_logger_provider  # noqa: PLC0415

    from otel_tbot.otel.api import api_log_record  # noqa: PLC0415
    from otel_tbot.otel.payload import SCOPE_NAME, whole_second  # noqa: PLC0415

    attributes = {**event.attributes, "session.id": session.id}
    record = api_log_record(attributes, at=whole_second(time.time_ns()))
    provider = get_logger_provider() if logger_provider is None else logger_provider
    provider.get_logger(SCOPE_NAME, __version__).emit(record)


def emit_span(
    event: StartEvent, *, session: Session | None = None, tracer_provider: TracerProvider | None = None
) -> None:
    """Emit an event as a root span. Does nothing without consent, and raises nothing.

    Args:
        event: what to report.
        session: the start that the event belongs to; the session of this process by default.
        tracer_provider: the pipeline; the global one by default.
    """
    if not consent():
        return
    try:
        _emit_span(event, session or current_session(), tracer_provider)
    except Exception as error:  # noqa: BLE001  a pipeline's fault must not reach the caller
        warn("tbot.start was not emitted: the pipeline failed (%s)", type(error).__name__)


def _emit_span(event: StartEvent, session: Session, tracer_provider: TracerProvider | None) -> None:
    # From here on there is consent: the imports of OpenTelemetry begin.
    from opentelemetry.trace import get_tracer_provider  # noqa: PLC0415

    from otel_tbot.otel.api import OUTSIDE_OF_SPANS  # noqa: PLC0415
    from otel_tbot.otel.payload import SCOPE_NAME, whole_second  # noqa: PLC0415

    at = whole_second(time.time_ns())
    provider = get_tracer_provider() if tracer_provider is None else tracer_provider
    tracer = provider.get_tracer(SCOPE_NAME, __version__)
    attributes = {**event.attributes, "session.id": session.id}
    tracer.start_span(EVENT_NAME, context=OUTSIDE_OF_SPANS, attributes=attributes, start_time=at).end(at)
