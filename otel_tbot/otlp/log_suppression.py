"""Keeps the OTLP exporters from logging about our own exports: we report each cause once, and in one line.

Only records of a thread that is inside one of our exports are held back. What the host's own exporters log stays.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry.context import Context, attach, detach, set_value

if TYPE_CHECKING:
    from collections.abc import Iterator

_exporting = threading.local()


class _NotOurs(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002  the thread decides, not the record
        return not getattr(_exporting, "now", False)


_not_ours = _NotOurs()


def install_log_filter(*modules: str) -> None:
    """Prepare the loggers of some modules: they have one each, of the same name."""
    for module in modules:
        logger = logging.getLogger(module)
        if _not_ours not in logger.filters:
            # First, since the SDK's own filter of repetitions would count what we hold back as said.
            logger.filters.insert(0, _not_ours)


@contextmanager
def suppress_export_logs() -> Iterator[None]:
    """Hold back what this thread logs through the prepared loggers, and keep the host from tracing what it sends."""
    # By this key instrumentations of HTTP and gRPC clients know that a request is telemetry itself. Without it they
    # would put the host's trace context on our request, and a span about it into the host's telemetry.
    token = attach(set_value("suppress_instrumentation", True, Context()))  # noqa: FBT003  takes no keyword
    _exporting.now = True
    try:
        yield
    finally:
        _exporting.now = False
        detach(token)
