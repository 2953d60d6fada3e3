"""The quick check of tbot's command, compared with the full grammar."""

from __future__ import annotations

import pytest

from otel_tbot.errors import NotStartError
from otel_tbot.launcher.subcommand_check import SWITCHES, VALUE_FLAGS, is_start
from otel_tbot.tbot.command_line import parse
from otel_tbot.tbot.known_flags import GLOBAL_FLAGS

START = [
    "start",
    "start --oneshot",
    "start app --oneshot",
    "-d start",
    "-c file start",
    "-cfile start",
    "-dc file start",
    "-c start start",
    "--config file start",
    "--config=file start",
    "--config-string text --fips --insecure start -c file",
    "--log-format json --trace --trace-exporter x start",
    "--mem-profile a --cpu-profile b --trace-profile c start",
    "-- start",
    "--canary start",
    "--canary version start",
    "--canary=version --no-canary start",
    "-x version start",
]
OTHERS = [
    "",
    "version",
    "configure start",
    "-c start version",
    "-c start",
    "-d",
    "--config start init",
    "-- version start",
    "start --help",
    "-h start",
    "start app -h",
    "db connect start",
    "--canary version",
    "--canary=x version start",
    "--no-canary version start",
    "--fips version start",
    "-xy version start",
    "-x",
]


@pytest.mark.parametrize("line", START)
def test_start(line: str) -> None:
    """A command line of `tbot start` is recognized wherever tbot's own parser finds `start`."""
    parse(["tbot", *line.split()], {})
    assert is_start(["tbot", *line.split()])


@pytest.mark.parametrize("line", OTHERS)
def test_other_commands(line: str) -> None:
    """Any other command, or a request for help, is not reported: nothing is printed, started or sent."""
    with pytest.raises(NotStartError):
        parse(["tbot", *line.split()], {})
    assert not is_start(["tbot", *line.split()])


def test_argument_file() -> None:
    """An argument file is not read before tbot runs, so it counts as a possible `start`."""
    assert is_start(["tbot", "@arguments"])


def test_grammar() -> None:
    """The flags with a separate value, and those without a value, are those of the grammar."""
    flags = [flag for flag in GLOBAL_FLAGS.values() if not flag.boolean]
    switches = "".join(flag.short for flag in GLOBAL_FLAGS.values() if flag.boolean and flag.short != "h")
    long = {f"--{flag.name}" for flag in flags}
    short = {f"-{before}{flag.short}" for flag in flags if flag.short for before in ("", switches)}
    assert long | short == VALUE_FLAGS
    booleans = [flag for flag in GLOBAL_FLAGS.values() if flag.boolean and flag.name != "help"]
    names = {f"--{flag.name}" for flag in booleans} | {f"-{flag.short}" for flag in booleans if flag.short}
    assert names == SWITCHES
