"""The exporter named `tbot` for spans: lets `tbot.start` through, built anew, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from otel_tbot.otel.gate import Gate
from otel_tbot.otel.payload import whole_second
from otel_tbot.otel.span import span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from otel_tbot.otel.recognition import Batch


class AnonymousSpanExporter(SpanExporter):
    """Exports the anonymous start event as a root span, built anew from validated values; drops every other span."""

    def __init__(self, exporter: SpanExporter | None = None, **keywords: object) -> None:
        """Stand before an exporter.

        Args:
            exporter: any exporter of spans; by default the OTLP exporter that `OTEL_EXPORTER_OTLP_*` describe.
            keywords: as for `AnonymousLogExporter`.
        """
        self._gate = Gate("traces", exporter, keywords)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send what is ours in a batch, if there is consent at this moment. Never raises."""
        return SpanExportResult.SUCCESS if self._gate.export(spans, _rebuild) else SpanExportResult.FAILURE

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the exporter behind."""
        return self._gate.force_flush(timeout_millis)

    def shutdown(self) -> None:
        """Shut the exporter behind down."""
        self._gate.shutdown()


def _rebuild(item: ReadableSpan, batch: Batch) -> ReadableSpan | None:
    found = batch.recognize(item.name, item.attributes)
    return found and span(*found, at=whole_second(item.start_time), until=whole_second(item.end_time))
