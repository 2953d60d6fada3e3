"""Whether tbot's command is `start`, decided within microseconds. Other commands report nothing.

The sender parses the command line with the full grammar (`otel_tbot.tbot.command_line`) before it sends anything. The
grammar's import would delay tbot, and telling `start` from `version` takes little.
"""

from __future__ import annotations

# The flags before the command whose value may be the next argument.
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
_HELP = frozenset({"-h", "--help"})


def is_start(command: list[str]) -> bool:
    """Tell whether a command line of tbot's is one of `tbot start`.

    Args:
        command: the command line, from the executable on.

    Returns:
        False only if it certainly is not. The contents of an `@file` are left to the sender.
    """
    arguments = command[1:]
    flags = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return _HELP.isdisjoint(flags) and _names_start(arguments)


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
    """Tell whether an argument may be a flag of a newer tbot whose value is the next argument."""
    if argument in SWITCHES or argument.startswith("--no-") or "=" in argument or argument == "--":
        return False
    return argument.startswith("--") or (argument.startswith("-") and len(argument) == len("-x"))
