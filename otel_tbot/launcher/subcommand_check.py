"""Whether tbot's command is `start`, decided within microseconds. Other commands report nothing.

The sender parses the command line with the full grammar (`otel_tbot.tbot.command_line`) before it sends anything. The
grammar's import would delay tbot, and distinguishing `start` from `version` takes little.
"""

from __future__ import annotations

import os

# The flags before the command that may take the next argument as their value.
VALUE_FLAGS = frozenset(
    {
        "-c",
        "-dc",
        "--config",
        "--config-string",
        "--cpu-profile",
        "--log-format",
        "--mem-profile",
        "--trace-exporter",
        "--trace-profile",
    }
)
# Those that take no value, like every `--no-` form.
SWITCHES = frozenset({"-d", "--debug", "--fips", "--insecure", "--trace"})
_CONFIG_FLAGS = frozenset({"-c", "-dc", "--config"})
_HELP = frozenset({"-h", "--help"})


def is_start(command: list[str]) -> bool:
    """Return whether a tbot command line is one of `tbot start`.

    Args:
        command: the command line, from the executable on.

    Returns:
        False only if it certainly is not. The contents of an `@file` are left to the sender.
    """
    arguments = command[1:]
    flags = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return _HELP.isdisjoint(flags) and _names_start(arguments)


def config_path(command: list[str]) -> str:
    """Return the configuration file that a tbot command line or `TBOT_CONFIG_PATH` names; empty if none is found.

    Args:
        command: the command line, from the executable on.
    """
    path = os.environ.get("TBOT_CONFIG_PATH", "")
    arguments = command[1:]
    for number, argument in enumerate(arguments):
        name, _, value = argument.partition("=")
        if name == "--config" and value:
            path = value
        elif argument in _CONFIG_FLAGS and arguments[number + 1 :]:
            path = arguments[number + 1]
    return path


def _names_start(arguments: list[str]) -> bool:
    previous = ""
    for argument in arguments:
        if argument.startswith("@"):
            return True
        if not argument.startswith("-") and previous not in VALUE_FLAGS:
            if argument == "start":
                return True
            if not _may_take_value(previous):
                return False
        previous = argument
    return False


def _may_take_value(argument: str) -> bool:
    """Return whether an argument may be a flag of a newer tbot that takes the next argument as its value."""
    if argument in SWITCHES or argument.startswith("--no-") or "=" in argument or argument == "--":
        return False
    return argument.startswith("--") or (argument.startswith("-") and len(argument) == len("-x"))
