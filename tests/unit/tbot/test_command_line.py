"""tbot's command line: the position of flags, and the forms of their values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from otel_tbot.errors import NotStartError, TbotConfigError
from otel_tbot.event import StartEvent
from otel_tbot.tbot.command_line import CommandLine, parse
from tests.unit.tbot.read_helpers import in_base64, refused, start

if TYPE_CHECKING:
    from pathlib import Path


def parsed(*arguments: str, **environ: str) -> CommandLine:
    """Return the parsed command line `tbot ARGUMENTS`."""
    return parse(["tbot", *arguments], environ)


@pytest.mark.parametrize("arguments", [
    ["-c", "FILE", "start", "identity"],
    ["start", "-c", "FILE", "identity"],
    ["start", "identity", "-c", "FILE"],
    ["-d", "-c", "FILE", "start", "--fips", "identity", "--insecure"],
    ["--log-format", "json", "start", "--trace", "id", "--config", "FILE", "--trace-exporter=x", "-d"],
])  # fmt: skip
def test_global_flags_anywhere(arguments: list[str]) -> None:
    """Global flags may be before `start`, before the subcommand, or after it."""
    command = parsed(*arguments)

    assert (command.subcommand.name, command.config.value) == ("identity", "FILE")


@pytest.mark.parametrize(("arguments", "value"), [
    (["--config=FILE"], "FILE"),
    (["--config", "FILE"], "FILE"),
    (["-c", "FILE"], "FILE"),
    (["-cFILE"], "FILE"),
    (["-dc", "FILE"], "FILE"),
    (["-dcFILE"], "FILE"),
    (["-ddc", "FILE"], "FILE"),
    (["-c=FILE"], "=FILE"),
    (["-c=-FILE"], "=-FILE"),
    (["-c-FILE"], "-FILE"),
    (["--config=-FILE"], "-FILE"),
    (["--config==FILE"], "=FILE"),
    (["--config=a b=c"], "a b=c"),
    (["--config=@FILE"], "@FILE"),
    (["--config="], ""),
    (["--config", ""], ""),
    (["-c", "start"], "start"),
    (["--config", "identity"], "identity"),
    (["-c", "one", "--config=two"], "two"),
    (["--config=two", "-cthree"], "three"),
    (["--config=two", "--config="], ""),
    (["-c", "\udcff"], "\udcff"),
])  # fmt: skip
def test_values(arguments: list[str], value: str) -> None:
    """A value has one of five forms, is never read as a command, and the last one wins."""
    assert parsed(*arguments, "start").config.value == value
    assert parsed("start", *arguments).config.value == value


@pytest.mark.parametrize(("arguments", "oneshot"), [
    ([], None),
    (["--oneshot"], True),
    (["--no-oneshot"], False),
    (["--oneshot", "--no-oneshot"], False),
    (["--no-oneshot", "--oneshot"], True),
    (["--scoped", "--no-scoped", "--no-debug", "--no-fips", "--no-insecure", "--no-trace"], None),
])  # fmt: skip
def test_booleans(arguments: list[str], *, oneshot: bool | None) -> None:
    """A boolean has a negative form, and the last of both wins."""
    assert parsed("start", *arguments).oneshot is oneshot


@pytest.mark.parametrize(("arguments", "skipped", "same_as"), [
    (["start", "--canary", "--oneshot"], [2], ["start", "--oneshot"]),
    (["start", "--canary", "value", "--oneshot"], [2], ["start", "--oneshot"]),
    (["start", "--canary=value", "db"], [2], ["start", "db"]),
    (["start", "--canary", "db"], [2], ["start", "db"]),
    (["start", "--no-canary", "db"], [2], ["start", "db"]),
    (["start", "db", "--canary", "db", "--oneshot"], [3], ["start", "db", "--oneshot"]),
    (["start", "db", "--canary", "--", "--oneshot"], [3], ["start", "db", "--", "--oneshot"]),
    (["start", "-x", "value", "-d", "db", "-y"], [2, 6], ["start", "-d", "db"]),
    (["start", "-xvalue", "db"], [2], ["start", "db"]),
    (["start", "-dx", "value", "db"], [2], ["start", "-d", "db"]),
    (["--canary", "start", "db"], [1], ["start", "db"]),
    (["--canary", "value", "start", "db"], [1], ["start", "db"]),
    (["-x", "value", "start", "db"], [1], ["start", "db"]),
    (["start", "--canary", "value", "canary"], [2], ["start", "canary"]),
    (["--canary", "value", "version"], [1], ["version"]),
])  # fmt: skip
def test_flag_of_a_newer_tbot(arguments: list[str], skipped: list[int], same_as: list[str]) -> None:
    """A flag that no known release has is skipped with its possible value; the rest is parsed as without it."""
    try:
        expected = parsed(*same_as)
    except TbotConfigError as error:
        problem = str(error).partition(": ")[2]
        with pytest.raises(type(error), match=re.escape(problem)):
            parsed(*arguments)
    else:
        positions = tuple(f"the command line, argument {number}" for number in skipped)
        assert parsed(*arguments) == expected._replace(skipped=positions)


def test_flag_of_a_newer_tbot_in_a_file(tmp_path: Path) -> None:
    """The first line of an argument file is not a value if it is a flag."""
    (tmp_path / "arguments").write_text("--oneshot\n")
    command = parsed("start", "--canary", f"@{tmp_path / 'arguments'}")
    assert (command.oneshot, len(command.skipped)) == (True, 1)


@pytest.mark.parametrize("words", [
    ["env", "A=1", "tbot", "start"],
    ["/usr/bin/env", "tbot", "start"],
    ["nice", "-n", "5", "tbot", "start"],
    ["sh", "-c", "exec tbot start"],
    ["timeout", "10", "tbot", "start"],
])  # fmt: skip
def test_wrapper(words: list[str]) -> None:
    """If another program precedes tbot, the message says where to put it."""
    with pytest.raises(NotStartError, match="the first word must be tbot's executable, so put env, nice or a shell"):
        parse(words, {})


@pytest.mark.parametrize(("arguments", "complaint"), [
    (["--oneshot=true"], "argument 2: the flag --oneshot takes no value; write --oneshot or --no-oneshot"),
    (["--no-oneshot=true"], "argument 2: the flag --oneshot takes no value"),
    (["--oneshot="], "argument 2: the flag --oneshot takes no value"),
    (["--debug=true"], "argument 2: the flag --debug takes no value"),
    (["--config"], "argument 2: the flag --config has no value; write --config=VALUE"),
    (["-c"], "argument 2: the flag --config has no value"),
    (["-dc"], "argument 2: the flag --config has no value"),
    (["--config", "-x"], "argument 2: the flag --config has no value"),
    (["--config", "--oneshot"], "argument 2: the flag --config has no value"),
    (["--config", "-"], "argument 2: the flag --config has no value"),
    (["--config", "--", "FILE"], "argument 2: the flag --config has no value"),
    (["--no-config", "FILE"], "argument 2: unknown flag; see `tbot start --help`"),
    (["--no-join-method"], "argument 2: unknown flag"),
    (["--storage", "DIR"], "argument 2: unknown flag"),
    (["db", "--app", "NAME"], "argument 3: unknown flag"),
    (["-"], "argument 2: unknown flag"),
    (["--="], "argument 2: unknown flag"),
    (["-config", "FILE"], "argument 3: not a subcommand of tbot start"),
    (["--Config", "FILE"], "argument 2: unknown flag"),
    (["canary"], "argument 2: not a subcommand of tbot start; see `tbot start --help`"),
    (["Identity"], "argument 2: not a subcommand of tbot start"),
    ([""], "argument 2: not a subcommand of tbot start"),
    (["start"], "argument 2: not a subcommand of tbot start"),
    (["identity", "identity"], "argument 3: unexpected argument"),
    (["identity", "canary"], "argument 3: unexpected argument"),
    (["legacy", "identity"], "argument 3: unexpected argument"),
    (["--oneshot", "identity"], "argument 3: unexpected argument"),
    (["--token", "t", "identity"], "argument 4: unexpected argument"),
    (["--", "--oneshot"], "argument 3: not a subcommand of tbot start"),
    (["identity", "--", "-d"], "argument 4: unexpected argument"),
    (["identity", "--", "@file"], "argument 4: unexpected argument"),
    (["--destination-dir", "-"], "argument 2: the flag --destination-dir has no value"),
])  # fmt: skip
def test_usage_errors(arguments: list[str], complaint: str) -> None:
    """An argument that tbot's parser rejects is rejected, with its position."""
    assert refused(*arguments).startswith(f"the command line, {complaint}")


def test_unknown_before_start() -> None:
    """A flag of `start` is unknown before it."""
    with pytest.raises(TbotConfigError, match="argument 1: unknown flag before start") as raised:
        parsed("--oneshot", "start")

    assert not isinstance(raised.value, NotStartError)


def test_dashes_end_the_flags() -> None:
    """After `--`, a subcommand is still recognized."""
    assert parsed("-d", "--", "start", "id").subcommand.name == "identity"


def test_second_dashes() -> None:
    """A second `--` is an ordinary argument."""
    assert "argument 4: unexpected argument" in refused("--", "identity", "--")


@pytest.mark.parametrize("arguments", [
    [],
    ["-d"],
    ["--config", "start"],
    ["version"],
    ["help", "start"],
    ["configure", "identity"],
    ["init", "--canary"],
    ["-c", "start", "migrate", "start"],
    ["Start"],
    [""],
    ["--", "version"],
    ["--", "--oneshot"],
    ["start", "--help"],
    ["start", "-h"],
    ["-h", "start"],
    ["start", "identity", "-dh"],
    ["--help"],
])  # fmt: skip
def test_not_start(arguments: list[str]) -> None:
    """Another command, no command and a request for help have an error of their own."""
    with pytest.raises(NotStartError, match="only start reports an event"):
        parsed(*arguments)


@pytest.mark.parametrize("argv", [[], ["tbot"]])
def test_no_arguments(argv: list[str]) -> None:
    """An empty command line is not a start."""
    with pytest.raises(NotStartError):
        parse(argv, {})


@pytest.mark.parametrize(("flag", "variable"), [
    (["-c", "FLAG"], "TBOT_CONFIG_PATH"),
    (["--config=FLAG"], "TBOT_CONFIG_PATH"),
])  # fmt: skip
def test_flag_before_variable(flag: list[str], variable: str) -> None:
    """A variable counts only when its flag is absent."""
    assert parsed("start", *flag, **{variable: "VARIABLE"}).config.value == "FLAG"
    assert parsed("start", **{variable: "VARIABLE"}).config.value == "VARIABLE"


def test_empty_flag_before_variable() -> None:
    """An empty value counts: the variable is ignored."""
    assert parsed("start", "--config=", TBOT_CONFIG_PATH="VARIABLE").config.value == ""
    assert not parsed("start", "--token=", TELEPORT_BOT_TOKEN="VARIABLE").replaces_onboarding


def test_empty_variable() -> None:
    """An empty variable is unset."""
    event = start("-c", "", TBOT_CONFIG=in_base64("oneshot: true"), TBOT_CONFIG_PATH="", TELEPORT_BOT_TOKEN="")

    assert event.run_mode == "one-shot"


@pytest.mark.parametrize("variable", ["TBOT_DEBUG", "TELEPORT_AUTH_SERVER", "TELEPORT_PROXY", "TBOT_ONESHOT"])
def test_other_variables(variable: str) -> None:
    """The variables of other flags do not affect the event."""
    assert start(**{variable: "canary"}) == start()


def test_repr_hides_values() -> None:
    """The representation of a command line shows no secret."""
    command = parsed("start", "id", "--config-string=CANARY", "--join-uri=CANARY", "--token=CANARY")

    assert "CANARY" not in repr(command)


def test_string() -> None:
    """A string is rejected, although Python would iterate over its letters."""
    with pytest.raises(TbotConfigError) as raised:
        StartEvent.from_command("tbot start", environ={})
    assert str(raised.value) == (
        "the command line: a command line must be a list of words, not a string; pass shlex.split(text)"
    )
