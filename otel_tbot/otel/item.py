"""The item: an event as what one signal carries. No signal loads what is the other's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otel_tbot.event import valid
from otel_tbot.otel.origin import resource

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from google.protobuf.message import Message
    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.trace import ReadableSpan

    from otel_tbot.otel.otlp_settings import Signal
    from otel_tbot.session import Session


def make(
    signal: Signal, attributes: Mapping[str, object], session: Session, *, at: int
) -> ReadableLogRecord | ReadableSpan:
    """Return an event as a log record or a span; see `log_record` and `span`.

    Args:
        signal: `logs` or `traces`.
        attributes: the event's. They are validated here, whatever they claim to be.
        session: the start that the event belongs to.
        at: the time of the event in nanoseconds since 1970, cut to the whole second.

    Raises:
        InvalidEventError: the attributes are no event's.
    """
    if signal == "traces":
        from otel_tbot.otel.span import span  # noqa: PLC0415  the SDK's spans

        return span(valid(attributes), resource(session), at=at, until=at)
    from otel_tbot.otel.log_record import log_record  # noqa: PLC0415  the SDK's log records

    return log_record(valid(attributes), resource(session), at=at)


def request(signal: Signal, items: Sequence[Any]) -> Message:
    """Return the OTLP request that the exporters make of log records or spans, by the encoders that they use."""
    if signal == "traces":
        from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans  # noqa: PLC0415  protobuf

        return encode_spans(items)
    from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs  # noqa: PLC0415  protobuf

    return encode_logs(items)
