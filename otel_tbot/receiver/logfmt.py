"""The receiver's log on stderr: one line per event that matters to an operator, as `name=value` pairs (logfmt).

No line contains a client's address or a value of an event. Messages of libraries are logged without their arguments,
which could contain an address.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from typing import TYPE_CHECKING

from otel_tbot.otlp.failure_reason import without_numbers

if TYPE_CHECKING:
    from otel_tbot.otlp.client import ExportResult
    from otel_tbot.otlp.settings import OTLPSettings

_logger = logging.getLogger("otel_tbot.receiver")
_PLACEHOLDER = re.compile(r"%[-+ #0-9.]*[a-z]")  # replaced where a library's message has an argument
_IGNORED = "No supported WebSocket library"  # uvicorn's hint; the receiver needs none
_PLAIN = re.compile(r"[^\s\"=]+")
_REPEAT_AFTER = 60.0  # seconds before the same line is written again
_MAX_REMEMBERED = 256  # lines; ours and the libraries' are fewer


def log_event(event: str, *, level: int = logging.INFO, **fields: object) -> None:
    """Write one line.

    Args:
        event: what happened, in a word or two.
        level: the level of Python's logging.
        fields: further pairs.
    """
    _logger.log(level, event, extra={"fields": fields})


def log_notes(settings: OTLPSettings) -> None:
    """Write a line about each variable that may not have been read as intended."""
    for note in settings.notes:
        log_event("setting", level=logging.WARNING, note=note)


class BackendLog:
    """Logs when the backend starts to fail, each new reason, and when it accepts again."""

    def __init__(self) -> None:
        self._accepts = True

    def log_result(self, result: ExportResult) -> None:
        """Write a line if the state of the backend has changed."""
        if not result.accepted:
            log_event("backend failing", level=logging.WARNING, reason=result.reason)
        elif not self._accepts:
            log_event("backend accepting")
        self._accepts = result.accepted


def write_to_stderr() -> None:
    """Send the log of this process to stderr."""
    logging.raiseExceptions = False  # a full disk or a closed pipe must not print tracebacks
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_LogfmtFormatter())
    handler.addFilter(_RepeatFilter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    _logger.setLevel(logging.INFO)


class _LogfmtFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        pairs = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "event": _message(record),
            **getattr(record, "fields", {}),
        }
        if record.name != _logger.name:
            pairs["logger"] = record.name
        if record.exc_info and record.exc_info[0]:
            pairs["error"] = record.exc_info[0].__name__
        return " ".join(f"{name}={_value(value)}" for name, value in pairs.items())


class _RepeatFilter(logging.Filter):
    """Drops a line that was written recently."""

    def __init__(self) -> None:
        super().__init__()
        self._written: dict[tuple[str, ...], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if _message(record).startswith(_IGNORED):
            return False
        key = (record.name, _message(record), without_numbers(str(getattr(record, "fields", ""))))
        if record.created - self._written.get(key, float("-inf")) < _REPEAT_AFTER:
            return False
        if len(self._written) >= _MAX_REMEMBERED:
            self._written.clear()
        self._written[key] = record.created
        return True


def _message(record: logging.LogRecord) -> str:
    return _PLACEHOLDER.sub("…", str(record.msg)).strip()


def _value(value: object) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text)
