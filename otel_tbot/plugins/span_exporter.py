"""The span exporter named `tbot`: exports `tbot.start`, rebuilt, and drops everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from otel_tbot.event import truncate_to_second
from otel_tbot.plugins.exporter import ExportFilter
from otel_tbot.records import build_span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan
    from typing_extensions import Unpack  # `typing` has it from Python 3.11 on

    from otel_tbot.otlp.settings import OTLPKeywords
    from otel_tbot.plugins.exporter import EventMatcher


class AnonymousSpanExporter(SpanExporter):
    """Exports the anonymous start event as a root span, rebuilt from validated values; drops every other span."""

    def __init__(self, exporter: SpanExporter | None = None, **keywords: Unpack[OTLPKeywords]) -> None:
        """Wrap an exporter.

        Args:
            exporter: any exporter of spans; by default the OTLP exporter that `OTEL_EXPORTER_OTLP_*` describe.
            keywords: as for `AnonymousLogExporter`.
        """
        self._filter = ExportFilter("traces", exporter, keywords)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export the start events of a batch, if there is consent at this moment. Never raises."""
        return SpanExportResult.SUCCESS if self._filter.export(spans, _rebuild) else SpanExportResult.FAILURE

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the wrapped exporter."""
        return self._filter.force_flush(timeout_millis)

    def shutdown(self) -> None:
        """Shut down the wrapped exporter."""
        self._filter.shutdown()


def _rebuild(original: ReadableSpan, matcher: EventMatcher) -> ReadableSpan | None:
    matched = matcher.match(original.name, original.attributes)
    if matched is None:
        return None
    start_ns, end_ns = truncate_to_second(original.start_time), truncate_to_second(original.end_time)
    return build_span(*matched, start_ns=start_ns, end_ns=end_ns)
