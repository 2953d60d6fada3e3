"""The public functions: `send` delivers an event by itself, `emit` and `emit_span` use the caller's pipeline.

A pipeline's exporter decides what leaves: `AnonymousLogExporter` and `AnonymousSpanExporter` rebuild the event;
another exporter adds the resource of its pipeline.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from otel_tbot.errors import SettingsError
from otel_tbot.event import SCOPE_NAME, truncate_to_second, validated_attributes
from otel_tbot.log_warning import warn
from otel_tbot.opt_in import consent
from otel_tbot.schema.constants import EVENT_NAME
from otel_tbot.session import Session, current_session
from otel_tbot.version import __version__

if TYPE_CHECKING:
    from opentelemetry._logs import LoggerProvider
    from opentelemetry.trace import TracerProvider

    from otel_tbot.event import StartEvent
    from otel_tbot.otlp.settings import OTLPSettings, Signal


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """The outcome of sending one event. True only when it was sent.

    Attributes:
        status: `sent` when the backend accepted the event; `off` when there was no consent and nothing was done;
            `failed` when it was not accepted, or it is unknown whether it was.
        reason: why, as one line of text; empty when sent. Never contains a value from a configuration.
    """

    status: Literal["sent", "off", "failed"]
    reason: str = ""

    def __bool__(self) -> bool:
        """Return whether the backend accepted the event."""
        return self.status == "sent"


def send(
    event: StartEvent, *, session: Session | None = None, signal: Signal | None = None, timeout: float | None = None
) -> Outcome:
    """Send an event to the OTLP backend that the `OTEL_EXPORTER_OTLP_*` variables describe.

    Sets no global provider, reads no resource from the environment and leaves nothing running. Raises nothing: an
    error is part of the outcome.

    Args:
        event: what to report.
        session: the start that the event belongs to; a new one by default.
        signal: `logs` or `traces`; by default `OTEL_TBOT_SIGNAL`, else `logs`.
        timeout: seconds for everything: name lookup, connection, TLS, retries, the response and the shutdown. By
            default `OTEL_EXPORTER_OTLP_[LOGS_|TRACES_]TIMEOUT`, else 10.

    Returns:
        `sent` only if the backend accepted the event.
    """
    decision = consent()
    if not decision:
        return Outcome(status="off", reason=decision.reason)
    from otel_tbot.otlp.settings import resolve_settings, resolve_signal  # noqa: PLC0415  not needed when off

    try:
        settings = resolve_settings(resolve_signal(os.environ, signal), os.environ, {"timeout": timeout})
    except SettingsError as error:
        return Outcome(status="failed", reason=str(error))
    return deliver(event, settings, session)


def deliver(event: StartEvent, settings: OTLPSettings, session: Session | None = None) -> Outcome:
    """Send an event with resolved settings. The caller has asked for consent. Raises nothing.

    Args:
        event: what to report.
        settings: where and how.
        session: the start that the event belongs to; a new one by default.
    """
    try:
        return _deliver(event, settings, session or Session())
    except Exception as error:  # noqa: BLE001  a broken installation must not reach the host either
        return Outcome(status="failed", reason=f"the event could not be built or sent ({type(error).__name__})")


def _deliver(event: StartEvent, settings: OTLPSettings, session: Session) -> Outcome:
    from otel_tbot.otlp.client import OTLPClient  # noqa: PLC0415  not needed when off

    now = truncate_to_second(time.time_ns())

    def make_records() -> list[Any]:
        # OpenTelemetry is imported only with consent, and within the deadline.
        from otel_tbot.records import build_record  # noqa: PLC0415  loads the SDK

        return [build_record(settings.signal, validated_attributes(event), session, timestamp_ns=now)]

    client = OTLPClient(settings.signal, settings=settings)
    accepted, reason = client.export(make_records)
    client.shutdown()
    return Outcome(status="sent") if accepted else Outcome(status="failed", reason=reason)


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
    except Exception as error:  # noqa: BLE001  a broken installation must not reach the host either
        warn("tbot.start was not emitted: the pipeline failed (%s)", type(error).__name__)


def _emit_log_record(event: StartEvent, session: Session, logger_provider: LoggerProvider | None) -> None:
    # OpenTelemetry is imported only with consent.
    from opentelemetry._logs import get_logger_provider  # noqa: PLC0415

    from otel_tbot.records import build_api_log_record  # noqa: PLC0415

    attributes = {**event.attributes, "session.id": session.id}
    record = build_api_log_record(attributes, timestamp_ns=truncate_to_second(time.time_ns()))
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
    except Exception as error:  # noqa: BLE001  a broken installation must not reach the host either
        warn("tbot.start was not emitted: the pipeline failed (%s)", type(error).__name__)


def _emit_span(event: StartEvent, session: Session, tracer_provider: TracerProvider | None) -> None:
    # OpenTelemetry is imported only with consent.
    from opentelemetry.trace import get_tracer_provider  # noqa: PLC0415

    from otel_tbot.records import NO_PARENT_CONTEXT  # noqa: PLC0415

    now = truncate_to_second(time.time_ns())
    provider = get_tracer_provider() if tracer_provider is None else tracer_provider
    tracer = provider.get_tracer(SCOPE_NAME, __version__)
    attributes = {**event.attributes, "session.id": session.id}
    tracer.start_span(EVENT_NAME, context=NO_PARENT_CONTEXT, attributes=attributes, start_time=now).end(now)
