"""Warnings in the host's log. No exception from the host's logging reaches the host."""

from __future__ import annotations

import logging
from contextlib import suppress

_logger = logging.getLogger("otel_tbot")
_CALLER = 2  # the frame that the log record names


def warn(message: str, *arguments: object) -> None:
    """Log a warning. Raises nothing, even where a handler or filter of the host does."""
    with suppress(Exception):
        _logger.warning(message, *arguments, stacklevel=_CALLER)
