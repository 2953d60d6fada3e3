"""The command line of `run`, parsed by hand: an argument parser takes longer to load than tbot takes to start."""

from __future__ import annotations

import os

_STDERR = 2
_MAX_DIGITS = 9  # no system has a descriptor with a larger number
_SIGNALS = ("logs", "traces")
_HELP = ("-h", "--help")


class UsageError(Exception):
    """An error in the command line, as one line."""


class Arguments:
    """The arguments of `run`.

    Attributes:
        command: tbot's command line, from the executable on.
        help: whether help was requested; then the rest is not set.
        outcome_fds: the descriptor that the outcome is written to, or none.
        supervise: whether to stay as tbot's parent.
        tbot_version: the version of tbot; None to ask the executable.
        signal: `logs` or `traces`; None to use the environment.
        timeout: seconds that the delivery may take; None to use the environment.
    """

    __slots__ = ("command", "help", "outcome_fds", "signal", "supervise", "tbot_version", "timeout")

    def __init__(self) -> None:
        self.command: list[str] = []
        self.help = False
        self.outcome_fds: tuple[int, ...] = ()
        self.supervise = False
        self.tbot_version: str | None = None
        self.signal: str | None = None
        self.timeout: float | None = None


def parse(words: list[str]) -> Arguments:
    """Parse what follows `run`: options, then the tbot executable, then tbot's own arguments.

    Raises:
        UsageError: an option is unknown or lacks its value, or no executable is named.
    """
    arguments = Arguments()
    words = list(words)
    while words and words[0].startswith("-") and words[0] != "-":
        word = words.pop(0)
        if word == "--":
            break
        if word in _HELP:
            arguments.help = True
            return arguments
        if word == "--supervise":
            arguments.supervise = True
        else:
            name, equals, value = word.partition("=")
            _set(arguments, name, [value] if equals else words)
    if not words:
        message = "TBOT is missing: name the tbot executable."
        raise UsageError(message)
    arguments.command = words
    return arguments


def _set(arguments: Arguments, name: str, values: list[str]) -> None:
    """Set an option to the first of the values, and remove that value."""
    if name not in {"--tbot-version", "--signal", "--timeout", "--outcome-fd"}:
        # What follows a single letter may be the value of one of tbot's options.
        shown = name if name.startswith("--") else name[:2]
        message = f"unknown option {shown}, or it takes no value: tbot's own options follow TBOT."
        raise UsageError(message)
    if not values:
        message = f"{name} needs a value."
        raise UsageError(message)
    value = values.pop(0)
    if name == "--tbot-version":
        arguments.tbot_version = value
    elif name == "--timeout":
        arguments.timeout = _timeout(value)
    elif name == "--outcome-fd":
        arguments.outcome_fds = (_descriptor(value),)
    elif value in _SIGNALS:
        arguments.signal = value
    else:
        message = f"--signal must be {' or '.join(_SIGNALS)}."
        raise UsageError(message)


def _descriptor(value: str) -> int:
    """Return the number of an open descriptor, and keep tbot from inheriting it."""
    if value.isascii() and value.isdecimal() and len(value) <= _MAX_DIGITS and int(value) > _STDERR:
        try:
            os.set_inheritable(int(value), False)  # noqa: FBT003  takes no keyword
        except OSError:
            message = "--outcome-fd must be the number of an open descriptor, such as 3 after 3>FILE in a shell."
            raise UsageError(message) from None
        return int(value)
    message = f"--outcome-fd must be a number above {_STDERR}: the standard streams belong to tbot."
    raise UsageError(message)


def _timeout(value: str) -> float:
    from otel_tbot.errors import SettingsError  # noqa: PLC0415  loaded only for this option
    from otel_tbot.timeout import parse_timeout  # noqa: PLC0415

    try:
        return parse_timeout(value, "--timeout")
    except SettingsError as error:
        message = f"{error}."
    raise UsageError(message)
