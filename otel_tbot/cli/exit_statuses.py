"""What each command's exit status means. The help and the reference show this table."""

from __future__ import annotations

_UNUSABLE = "tbot's command line, its configuration or a setting is unusable"

OF_EVERY_COMMAND = {
    "1": "the result could not be written, or an internal error",
    "2": "bad usage, no command, or an unknown command",
}
EXIT_STATUSES: dict[str, dict[str, str]] = {
    "demo": {"0": "the event arrived", "1": "the event did not arrive"},
    "emit": {"0": "sent, or off", "1": "not delivered", "2": _UNUSABLE},
    "help": {"0": "shown"},
    "preview": {"0": "shown, even if nothing would be sent", "2": _UNUSABLE},
    "report": {
        "0": "reported",
        "1": "no start was found; with --strict also if something could not be counted",
        "2": "a file or an option cannot be used",
    },
    "run": {
        "tbot's": "tbot ran, whether or not the event arrived",
        "2": "bad usage: tbot did not run",
        "126": "tbot was found but cannot be executed",
        "127": "tbot was not found",
    },
    "schema": {"0": "shown"},
    "serve": {
        "0": "ended by SIGTERM or SIGINT",
        "1": "cannot listen on an address",
        "2": "off, or a setting, an option or the installation cannot be used",
    },
    "status": {
        "0": "shown; with --check: on",
        "1": "with --check: off",
        "2": "without --check: a setting cannot be used",
    },
}


def exit_statuses_of(command: str) -> str:
    """Return the lines about a command's exit status for its help."""
    rows = [f"  {status:<8}{meaning}" for status, meaning in EXIT_STATUSES[command].items()]
    return "\n".join(("\b", "Exit status:", *rows))  # the mark keeps click from wrapping them
