"""The log-record processor: forwards `tbot.start` to another processor, if there is consent, and nothing else.

It saves work before a batch is filled. The check that nothing can bypass is in the exporters.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from opentelemetry.sdk._logs import LogRecordProcessor

from otel_tbot.opt_in import consent, is_opt_in_set
from otel_tbot.schema.constants import EVENT_NAME

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import ReadWriteLogRecord


class OptInLogRecordProcessor(LogRecordProcessor):
    """Wraps a processor, and forwards only `tbot.start`, while consent is on."""

    def __init__(self, processor: LogRecordProcessor) -> None:
        """Wrap `processor`, for example a `BatchLogRecordProcessor` around an `AnonymousLogExporter`."""
        self._processor = processor

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Forward the record or drop it. Never raises into the application that emits."""
        with suppress(Exception):
            if log_record.log_record.event_name == EVENT_NAME and is_opt_in_set() and consent():
                self._processor.on_emit(log_record)

    def shutdown(self) -> None:
        """Shut down the wrapped processor."""
        self._processor.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the wrapped processor."""
        return self._processor.force_flush(timeout_millis)
