"""Tells the host what went wrong, by Python's logging, and lets no exception of that log come back to the host."""

from __future__ import annotations

import logging
from contextlib import suppress

_logger = logging.getLogger("otel_tbot")
_CALLER = 2  # the frame that a record names as its origin: not this one


def warn(message: str, *arguments: object) -> None:
    """Log a warning. Raises nothing: a handler or a filter of the host's may."""
    with suppress(Exception):
        _logger.warning(message, *arguments, stacklevel=_CALLER)
