"""The errors that this package raises: each message says what, where and what to do, in one line."""

from __future__ import annotations


class OtelTbotError(Exception):
    """The base of every error that this package raises."""


class InvalidEventError(OtelTbotError, ValueError):
    """A value that no start event may have: an unknown run mode, or a counter that is negative or not a number."""


class SettingsError(OtelTbotError, ValueError):
    """An `OTEL_*` variable, a keyword or an option that cannot be used."""


class ReportError(OtelTbotError):
    """Stored events that cannot be read, or a report that cannot be made."""


class NoStartsError(ReportError):
    """No start of tbot was found."""


class TbotConfigError(OtelTbotError, ValueError):
    """An error in tbot's command line or configuration. Never contains a value from either."""

    def __init__(
        self, problem: str, remedy: str = "", *, source: str = "", line: int | None = None, key: str = ""
    ) -> None:
        """Build the message from texts that contain no value of the user's.

        Args:
            problem: what is wrong.
            remedy: what the user can do about it.
            source: the file, flag, variable or part of the command line that is wrong.
            line: the line in it, from 1.
            key: the key on that line; only a key that tbot knows.
        """
        where = ", ".join(part for part in (source, "" if line is None else f"line {line}", key) if part)
        super().__init__(f"{where}: {problem}; {remedy}" if where else problem)


class NotStartError(TbotConfigError):
    """The tbot command is not `start`, or asks for help: it reports nothing."""
