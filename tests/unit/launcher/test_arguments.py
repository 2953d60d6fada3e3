"""The command line of `run`: options, then TBOT, then tbot's own arguments."""

from __future__ import annotations

import pytest

from otel_tbot.launcher.arguments import UsageError, parse


@pytest.mark.parametrize("words", [["--timeout", "2.5"], ["--timeout=2.5"], ["--timeout=1", "--timeout", "2.5"]])
def test_option_with_value(words: list[str]) -> None:
    """A value follows its option, or is joined to it by `=`; the last one counts."""
    arguments = parse([*words, "tbot", "start"])
    assert (arguments.timeout, arguments.command) == (2.5, ["tbot", "start"])


def test_all_options() -> None:
    """Every option can be given at once."""
    arguments = parse(["--supervise", "--signal=traces", "--tbot-version", "18.0.0", "tbot"])
    assert (arguments.supervise, arguments.signal, arguments.tbot_version) == (True, "traces", "18.0.0")


def test_no_options() -> None:
    """Without an option, the environment or the executable decides."""
    arguments = parse(["tbot"])
    values = (arguments.help, arguments.supervise, arguments.signal, arguments.timeout, arguments.tbot_version)
    assert values == (False, False, None, None, None)


def test_tbot_s_own_options() -> None:
    """Everything after TBOT is tbot's, even if it looks like an option."""
    assert parse(["tbot", "start", "--supervise", "--", "-h"]).command == ["tbot", "start", "--supervise", "--", "-h"]


@pytest.mark.parametrize("name", ["--supervise", "-", ""])
def test_end_of_options(name: str) -> None:
    """After `--`, any word is TBOT."""
    assert parse(["--", name, "start"]).command == [name, "start"]


@pytest.mark.parametrize("words", [["-h"], ["--help"], ["--supervise", "--help", "tbot"]])
def test_help(words: list[str]) -> None:
    """The help can be asked for in place of TBOT."""
    assert parse(words).help


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "TBOT is missing"),
        (["--"], "TBOT is missing"),
        (["--supervise"], "TBOT is missing"),
        (["--oneshot", "tbot"], "unknown option --oneshot"),
        (["-c", "tbot.yaml", "tbot"], "unknown option -c"),
        (["--supervise=yes", "tbot"], "unknown option --supervise, or it takes no value"),
        (["--time", "1", "tbot"], "unknown option --time"),
        (["--signal"], "--signal needs a value"),
        (["--signal", "metrics", "tbot"], "--signal must be logs or traces"),
        (["--timeout=", "tbot"], "--timeout must be a number of seconds above 0"),
        (["--timeout=0", "tbot"], "--timeout must be a number of seconds above 0"),
        (["--timeout=-1", "tbot"], "--timeout must be a number of seconds above 0"),
        (["--timeout=nan", "tbot"], "--timeout must be a number of seconds above 0"),
        (["--timeout=inf", "tbot"], "--timeout must be a number of seconds above 0"),
        (["--timeout=300.1", "tbot"], "--timeout must be a number of seconds above 0, and at most 300"),
        (["--timeout=soon", "tbot"], "--timeout must be a number of seconds above 0"),
    ],
)
def test_usage_errors(words: list[str], message: str) -> None:
    """An invalid command line is rejected by a message that names the option and not its value."""
    with pytest.raises(UsageError, match=message):
        parse(words)
