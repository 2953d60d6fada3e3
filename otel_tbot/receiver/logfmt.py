"""The receiver's log: one line on stderr for each thing that an operator should know, as `name=value` pairs (logfmt).

No line tells an address of a sender, or a value of an event. What libraries log is repeated without the arguments that
they put in, because an address could be among them.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otel_tbot.otlp.client import ExportResult

_logger = logging.getLogger("otel_tbot.receiver")
_PLACEHOLDER = re.compile(r"%[-+ #0-9.]*[a-z]")  # where an argument of the library's would stand
_HINT = "No supported WebSocket library"  # uvicorn's, to whoever offers another protocol; we want none
_PLAIN = re.compile(r"[^\s\"=]+")
_REPEAT_AFTER = 60.0  # seconds before a line that says the same is written again
_MOST_REMEMBERED = 256  # lines; ours and the libraries' are fewer


def log_event(event: str, *, level: int = logging.INFO, **fields: object) -> None:
    """Write one line.

    Args:
        event: what happened, in a word or two.
        level: how serious it is.
        fields: what belongs to it.
    """
    _logger.log(level, event, extra={"fields": fields})


class BackendLog:
    """Tells when the backend begins to fail, each new reason, and when it accepts again."""

    def __init__(self) -> None:
        """Suppose that it accepts."""
        self._accepts = True

    def log_event(self, answer: ExportResult) -> None:
        """Write a line if an answer says something new."""
        if not answer.accepted:
            log_event("backend failing", level=logging.WARNING, reason=answer.reason)
        elif not self._accepts:
            log_event("backend accepting")
        self._accepts = answer.accepted


def write_to_stderr() -> None:
    """Send the log of this process to stderr."""
    logging.raiseExceptions = False  # a full disk or a reader that left must not make tracebacks
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_LogFmt())
    handler.addFilter(_Seldom())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    _logger.setLevel(logging.INFO)


class _LogFmt(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        pairs = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "event": _words(record),
            **getattr(record, "fields", {}),
        }
        if record.name != _logger.name:
            pairs["logger"] = record.name
        if record.exc_info and record.exc_info[0]:
            pairs["error"] = record.exc_info[0].__name__
        return " ".join(f"{name}={_value(value)}" for name, value in pairs.items())


class _Seldom(logging.Filter):
    """Lets a line pass that says something new, or says it again after a while."""

    def __init__(self) -> None:
        super().__init__()
        self._written: dict[tuple[str, ...], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if _words(record).startswith(_HINT):
            return False
        said = (record.name, _words(record), str(getattr(record, "fields", "")))
        if record.created - self._written.get(said, float("-inf")) < _REPEAT_AFTER:
            return False
        if len(self._written) >= _MOST_REMEMBERED:
            self._written.clear()
        self._written[said] = record.created
        return True


def _words(record: logging.LogRecord) -> str:
    return _PLACEHOLDER.sub("…", str(record.msg)).strip()


def _value(value: object) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text)
