"""Keeps the OTLP exporters from logging about our own exports: we report each cause once, as one line.

Only log records of a thread that runs one of our exports are dropped. What the host's own exporters log stays.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry.context import Context, attach, detach, set_value

if TYPE_CHECKING:
    from collections.abc import Iterator

_this_thread = threading.local()


class _DropDuringExport(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002  the thread decides, not the record
        return not getattr(_this_thread, "exporting", False)


_log_filter = _DropDuringExport()


def install_log_filter(*loggers: str) -> None:
    """Add the filter to loggers, once each.

    Args:
        loggers: the names of the loggers.
    """
    for name in loggers:
        logger = logging.getLogger(name)
        if _log_filter not in logger.filters:
            # First, because the SDK's filter of repetitions would count what is dropped here as logged.
            logger.filters.insert(0, _log_filter)


@contextmanager
def suppress_export_logs() -> Iterator[None]:
    """Drop what this thread logs through the filtered loggers, and keep the host from tracing our request."""
    # Instrumentations of HTTP and gRPC clients skip telemetry requests by this key. Without it they would put the
    # host's trace context on our request, and a span about it into the host's telemetry.
    token = attach(set_value("suppress_instrumentation", True, Context()))  # noqa: FBT003  takes no keyword
    _this_thread.exporting = True
    try:
        yield
    finally:
        _this_thread.exporting = False
        detach(token)
