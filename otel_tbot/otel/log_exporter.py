"""The exporter named `tbot` for log records: lets `tbot.start` through, built anew, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult

from otel_tbot.otel.gate import Gate
from otel_tbot.otel.log_record import log_record
from otel_tbot.otel.payload import whole_second

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk._logs import ReadableLogRecord

    from otel_tbot.otel.recognition import Batch


class AnonymousLogExporter(LogRecordExporter):
    """Exports the anonymous start event, built anew from validated values; drops every other record."""

    def __init__(self, exporter: LogRecordExporter | None = None, **keywords: object) -> None:
        """Stand before an exporter.

        Args:
            exporter: any exporter of log records; by default the OTLP exporter that `OTEL_EXPORTER_OTLP_*` describe.
            keywords: settings of that OTLP exporter which stand before the variables: `protocol`, `endpoint`,
                `headers`, `timeout` (seconds), `compression`, `certificate`, `client_key`, `client_certificate`,
                `insecure`. What cannot be used is told in one warning at the first export, and nothing is sent.
        """
        self._gate = Gate("logs", exporter, keywords)

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Send what is ours in a batch, if there is consent at this moment. Never raises."""
        return LogRecordExportResult.SUCCESS if self._gate.export(batch, _rebuild) else LogRecordExportResult.FAILURE

    def force_flush(self, timeout_millis: int = 10_000) -> bool:
        """Flush the exporter behind."""
        return self._gate.force_flush(timeout_millis)

    def shutdown(self) -> None:
        """Shut the exporter behind down."""
        self._gate.shutdown()


def _rebuild(item: ReadableLogRecord, batch: Batch) -> ReadableLogRecord | None:
    record = item.log_record
    found = batch.recognize(record.event_name, record.attributes)
    return found and log_record(*found, at=whole_second(record.timestamp or record.observed_timestamp))
