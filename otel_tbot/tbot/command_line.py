"""Reading tbot's command line: which subcommand of `start`, and what its flags and their variables say.

The launcher asks this before tbot runs, so nothing here imports YAML or OpenTelemetry, and no file but an `@file`
argument is opened. Where releases of tbot differ, the newest decides: the last of a repeated flag wins.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from otel_tbot.errors import NotStartError, TbotConfigError
from otel_tbot.tbot.grammar import GLOBAL_FLAGS, LEGACY, SUBCOMMANDS, Flag, Subcommand
from otel_tbot.tbot.tokens import Token, TokenStream

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_SUBCOMMAND_OF = {name: row for row in SUBCOMMANDS for name in (row.name, *row.aliases)}
_USAGE = "see `tbot start --help`"
_ONLY_START = "only start reports an event, so name that or run tbot by itself"


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """What a flag or its variable says.

    Attributes:
        value: the text; empty if neither says anything.
        source: the flag or the variable that said it.
        on_command_line: whether it was the flag.
    """

    value: str = field(repr=False)
    source: str
    on_command_line: bool


class CommandLine(NamedTuple):
    """A command line of `tbot start`.

    Attributes:
        subcommand: its row of the grammar; `legacy` where none is named.
        config: the path of the configuration file.
        config_string: the configuration itself in base64.
        oneshot: what `--oneshot` or `--no-oneshot` says; None without either.
        join_method: what `--join-method` says.
        join_uri: what `--join-uri` says.
        replaces_onboarding: whether the flags take the place of the configuration's whole `onboarding` section.
        replaces_services: whether `--destination-dir` takes the place of the configuration's services.
    """

    subcommand: Subcommand
    config: Setting
    config_string: Setting
    oneshot: bool | None
    join_method: str
    join_uri: Setting
    replaces_onboarding: bool
    replaces_services: bool


def parse(argv: Sequence[str], environ: Mapping[str, str]) -> CommandLine:
    """Read a command line.

    Args:
        argv: from the executable's name on.
        environ: the variables that tbot would see.

    Raises:
        NotStartError: the command is not `start`.
        TbotConfigError: tbot would refuse the command line.
    """
    return _Parser(argv[1:]).read(environ)


class _Parser:
    """The state of the reading: what has been named so far, and which flags are therefore known."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._words = TokenStream(arguments)
        self._started = False
        self._subcommand: Subcommand | None = None
        self._flags = GLOBAL_FLAGS
        self._given: dict[str, list[str]] = {}
        self._switched: dict[str, bool] = {}

    def read(self, environ: Mapping[str, str]) -> CommandLine:
        while (word := self._words.next()) is not None:
            if not word.is_flag:
                self._take_argument(word)
            elif word.text.startswith("--"):
                self._take_long_flag(word)
            else:
                self._take_short_flag(word)
        if not self._started or self._switched.get("help"):
            what = "this asks tbot for help" if self._started else "no tbot command is named"
            raise NotStartError(what, _ONLY_START, source="the command line")
        return self._command_line(environ)

    def _take_argument(self, word: Token) -> None:
        if not self._started:
            if word.text != "start":
                raise NotStartError("the tbot command is not start", _ONLY_START, source=word.place)
            self._started = True
        elif self._subcommand is None and word.text in _SUBCOMMAND_OF:
            self._select(_SUBCOMMAND_OF[word.text])
        else:
            what = "no argument is expected here" if self._subcommand else "this is no subcommand of tbot start"
            raise TbotConfigError(what, _USAGE, source=word.place)

    def _select(self, subcommand: Subcommand) -> None:
        self._subcommand = subcommand
        self._flags = GLOBAL_FLAGS | subcommand.flags

    def _take_long_flag(self, word: Token) -> None:
        name, equals, value = word.text[2:].partition("=")
        flag = self._known(_long, name, word)
        if not flag.boolean:
            self._keep(flag, word, value if equals else None)
        elif equals:
            what = f"the flag --{flag.name} takes no value"
            raise TbotConfigError(what, f"write --{flag.name} or --no-{flag.name}", source=word.place)
        else:
            self._switched[flag.name] = name == flag.name

    def _take_short_flag(self, word: Token) -> None:
        letter, rest = word.text[1:2], word.text[2:]
        flag = self._known(_short, letter, word)
        if not flag.boolean:
            self._keep(flag, word, rest or None)
            return
        self._switched[flag.name] = True
        if rest:
            self._words.push_back(Token(text=f"-{rest}", place=word.place))

    def _known(self, find: Callable[[str, Mapping[str, Flag]], Flag | None], name: str, word: Token) -> Flag:
        flag = find(name, self._flags)
        if flag is None and self._started and self._subcommand is None:
            # As in tbot: a flag that `start` itself does not know belongs to its default subcommand.
            self._select(LEGACY)
            flag = find(name, self._flags)
        if flag is None:
            what = "this flag is unknown here" if self._started else "this flag is unknown before start"
            raise TbotConfigError(what, _USAGE, source=word.place)
        return flag

    def _keep(self, flag: Flag, word: Token, attached: str | None) -> None:
        if attached is None:
            value = self._words.next_value()
            if value is None:
                what = f"the flag --{flag.name} has no value"
                remedy = f"write --{flag.name}=VALUE, which may also begin with a dash"
                raise TbotConfigError(what, remedy, source=word.place)
            attached = value.text
        self._given.setdefault(flag.name, []).append(attached)

    def _command_line(self, environ: Mapping[str, str]) -> CommandLine:
        subcommand = self._subcommand or LEGACY
        flags = GLOBAL_FLAGS | subcommand.flags
        said = {flag.name: self._setting(flag, environ) for flag in flags.values() if not flag.boolean}
        onboarding = (said["token"].value, said["join-method"].value, *self._given.get("ca-pin", ()))
        nothing = Setting(value="", source="", on_command_line=False)
        return CommandLine(
            subcommand=subcommand,
            config=said["config"],
            config_string=said["config-string"],
            oneshot=self._switched.get("oneshot"),
            join_method=said["join-method"].value,
            join_uri=said.get("join-uri", nothing),
            replaces_onboarding=any(onboarding),
            replaces_services=bool(said.get("destination-dir", nothing).value),
        )

    def _setting(self, flag: Flag, environ: Mapping[str, str]) -> Setting:
        if flag.name in self._given:
            source = f"-{flag.short}/--{flag.name}" if flag.short else f"--{flag.name}"
            return Setting(value=self._given[flag.name][-1], source=source, on_command_line=True)
        return Setting(value=environ.get(flag.variable, ""), source=flag.variable, on_command_line=False)


def _long(name: str, flags: Mapping[str, Flag]) -> Flag | None:
    if name in flags:
        return flags[name]
    positive = flags.get(name.removeprefix("no-"))
    return positive if positive is not None and positive.boolean else None


def _short(letter: str, flags: Mapping[str, Flag]) -> Flag | None:
    return next((flag for flag in flags.values() if letter and flag.short == letter), None)
