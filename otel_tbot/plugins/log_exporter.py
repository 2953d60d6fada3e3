"""The log exporter named `tbot`: exports `tbot.start`, rebuilt, and drops everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult

from otel_tbot.event import truncate_to_second
from otel_tbot.plugins.exporter import ExportFilter
from otel_tbot.records import build_log_record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk._logs import ReadableLogRecord
    from typing_extensions import Unpack  # `typing` has it from Python 3.11 on

    from otel_tbot.otlp.settings import OTLPKeywords
    from otel_tbot.plugins.exporter import EventMatcher


class AnonymousLogExporter(LogRecordExporter):
    """Exports the anonymous start event, rebuilt from validated values; drops every other record."""

    def __init__(self, exporter: LogRecordExporter | None = None, **keywords: Unpack[OTLPKeywords]) -> None:
        """Wrap an exporter.

        Args:
            exporter: any exporter of log records; by default the OTLP exporter that `OTEL_EXPORTER_OTLP_*` describe.
            keywords: settings of that OTLP exporter that take precedence over the variables: `protocol`, `endpoint`,
                `headers`, `timeout` (seconds), `compression`, `certificate`, `client_key`, `client_certificate`,
                `insecure`. An invalid setting is reported in one warning at the first export, and nothing is sent.
        """
        self._filter = ExportFilter("logs", exporter, keywords)

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Export the start events of a batch, if there is consent at this moment. Never raises."""
        return LogRecordExportResult.SUCCESS if self._filter.export(batch, _rebuild) else LogRecordExportResult.FAILURE

    def force_flush(self, timeout_millis: int = 10_000) -> bool:
        """Flush the wrapped exporter."""
        return self._filter.force_flush(timeout_millis)

    def shutdown(self) -> None:
        """Shut down the wrapped exporter."""
        self._filter.shutdown()


def _rebuild(original: ReadableLogRecord, matcher: EventMatcher) -> ReadableLogRecord | None:
    record = original.log_record
    matched = matcher.match(record.event_name, record.attributes)
    if matched is None:
        return None
    return build_log_record(*matched, timestamp_ns=truncate_to_second(record.timestamp or record.observed_timestamp))
