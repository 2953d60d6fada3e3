"""Keeps the OTLP exporters from logging about our own exports: we report each cause once, and in one line.

Only records of a thread that is inside one of our exports are held back. What the host's own exporters log stays.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_exporting = threading.local()


class _NotOurs(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002  the thread decides, not the record
        return not getattr(_exporting, "now", False)


_not_ours = _NotOurs()


def hush(exporter: object) -> None:
    """Prepare the loggers of an exporter's classes, and of the SDK's parser of headers, which would repeat them."""
    modules = {kind.__module__ for kind in type(exporter).__mro__} | {"opentelemetry.util.re"}
    for module in modules:
        if module.startswith("opentelemetry."):
            logger = logging.getLogger(module)
            if _not_ours not in logger.filters:
                # First, since the SDK's own filter of repetitions would count what we hold back as said.
                logger.filters.insert(0, _not_ours)


@contextmanager
def quiet() -> Iterator[None]:
    """Hold back what this thread logs through the prepared loggers."""
    _exporting.now = True
    try:
        yield
    finally:
        _exporting.now = False
