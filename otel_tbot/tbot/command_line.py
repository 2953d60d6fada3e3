"""Parses tbot's command line: the subcommand of `start`, its flags and their variables.

Nothing here imports YAML or OpenTelemetry, and no file is opened except an `@file` argument. Where releases of tbot
differ, this follows the newest: the last of a repeated flag wins. A flag that no known release has is skipped, with the
next word if that may be its value, so that a new release of tbot is still reported.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from otel_tbot.errors import NotStartError, TbotConfigError
from otel_tbot.tbot.arguments_from_files import Token, TokenStream
from otel_tbot.tbot.known_flags import GLOBAL_FLAGS, LEGACY, SUBCOMMANDS, Flag, Subcommand

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_SUBCOMMAND_OF = {name: row for row in SUBCOMMANDS for name in (row.name, *row.aliases)}
_USAGE = "see `tbot start --help`"
_ONLY_START = "only start reports an event, so use start, or run tbot directly"
_TBOT_FIRST = "the first word must be tbot's executable, so put env, nice or a shell before otel-tbot"
_FLAG_NAME = "[a-z][a-z0-9-]*"
_ALL_FLAGS = {name: flag for row in SUBCOMMANDS for name, flag in {**GLOBAL_FLAGS, **row.flags}.items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """The value of a flag or its variable.

    Attributes:
        value: the text; empty if neither is set.
        source: the flag or the variable that gave it.
        on_command_line: whether it was the flag.
    """

    value: str = field(repr=False)
    source: str
    on_command_line: bool


class CommandLine(NamedTuple):
    """A command line of `tbot start`.

    Attributes:
        executable: the executable's name, as given.
        subcommand: its row of the grammar; `legacy` if none is named.
        config: the path of the configuration file.
        config_string: the configuration itself in base64.
        oneshot: the value of `--oneshot` or `--no-oneshot`; None without either.
        join_method: the value of `--join-method`.
        join_uri: the value of `--join-uri`.
        replaces_onboarding: whether the flags replace the configuration's whole `onboarding` section.
        replaces_services: whether `--destination-dir` replaces the configuration's services.
        skipped: the positions of flags that no known release of tbot has.
    """

    executable: str
    subcommand: Subcommand
    config: Setting
    config_string: Setting
    oneshot: bool | None
    join_method: str
    join_uri: Setting
    replaces_onboarding: bool
    replaces_services: bool
    skipped: tuple[str, ...]


def parse(argv: Sequence[str], environ: Mapping[str, str]) -> CommandLine:
    """Parse a command line.

    Args:
        argv: the command line, from the executable's name on.
        environ: the variables that tbot would see.

    Raises:
        NotStartError: the command is not `start`.
        TbotConfigError: tbot would reject the command line.
    """
    return _Parser(argv).read(environ)


class _Parser:
    """The state of the parser: what has been named so far, and so which flags are known."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._executable = argv[0] if argv else ""
        self._tokens = TokenStream(argv[1:])
        self._started = False
        self._subcommand: Subcommand | None = None
        self._flags = GLOBAL_FLAGS
        self._given: dict[str, list[str]] = {}
        self._switched: dict[str, bool] = {}
        self._skipped: list[str] = []

    def read(self, environ: Mapping[str, str]) -> CommandLine:
        while (token := self._tokens.next()) is not None:
            if not token.is_flag:
                self._take_argument(token)
            elif token.text.startswith("--"):
                self._take_long_flag(token)
            else:
                self._take_short_flag(token)
        if not self._started or self._switched.get("help"):
            what = "this shows tbot's help" if self._started else "no tbot command is named"
            raise NotStartError(what, self._remedy(), source="the command line")
        return self._command_line(environ)

    def _take_argument(self, token: Token) -> None:
        if not self._started:
            if token.text != "start":
                raise NotStartError("the tbot command is not start", self._remedy(), source=token.source)
            self._started = True
        elif self._subcommand is None and token.text in _SUBCOMMAND_OF:
            self._select(_SUBCOMMAND_OF[token.text])
        else:
            what = "unexpected argument" if self._subcommand else "not a subcommand of tbot start"
            raise TbotConfigError(what, _USAGE, source=token.source)

    def _remedy(self) -> str:
        return _ONLY_START if "tbot" in os.path.basename(self._executable) else _TBOT_FIRST  # noqa: PTH119  any text

    def _select(self, subcommand: Subcommand) -> None:
        self._subcommand = subcommand
        self._flags = GLOBAL_FLAGS | subcommand.flags

    def _take_long_flag(self, token: Token) -> None:
        name, equals, value = token.text[2:].partition("=")
        flag = self._find(_long, name, token)
        if flag is None:
            self._skip(token, takes_value=not equals and not name.startswith("no-"))
        elif not flag.boolean:
            self._keep(flag, token, value if equals else None)
        elif equals:
            what = f"the flag --{flag.name} takes no value"
            raise TbotConfigError(what, f"write --{flag.name} or --no-{flag.name}", source=token.source)
        else:
            self._switched[flag.name] = name == flag.name

    def _take_short_flag(self, token: Token) -> None:
        letter, rest = token.text[1:2], token.text[2:]
        flag = self._find(_short, letter, token)
        if flag is None:
            self._skip(token, takes_value=not rest)
        elif not flag.boolean:
            self._keep(flag, token, rest or None)
        else:
            self._switched[flag.name] = True
            if rest:
                self._tokens.push_back(Token(text=f"-{rest}", source=token.source))

    def _find(self, find: Callable[[str, Mapping[str, Flag]], Flag | None], name: str, token: Token) -> Flag | None:
        """Return the flag of that name, or None if no release of tbot is known to have it."""
        flag = find(name, self._flags)
        if flag is None and re.fullmatch(_FLAG_NAME, name) and find(name.removeprefix("no-"), _ALL_FLAGS) is None:
            return None
        if flag is None and self._started and self._subcommand is None:
            # As in tbot, a flag that is unknown to `start` itself belongs to its default subcommand.
            self._select(LEGACY)
            flag = find(name, self._flags)
        if flag is None:
            what = "unknown flag" if self._started else "unknown flag before start"
            raise TbotConfigError(what, _USAGE, source=token.source)
        return flag

    def _skip(self, token: Token, *, takes_value: bool) -> None:
        """Skip a flag, and the next word unless that begins with a dash or is `start` or the subcommand."""
        self._skipped.append(token.source)
        value = self._tokens.next_value() if takes_value else None
        if value is not None and self._is_expected(value.text):
            self._tokens.push_back(value)

    def _is_expected(self, word: str) -> bool:
        if not self._started:
            return word == "start"
        return self._subcommand is None and word in _SUBCOMMAND_OF

    def _keep(self, flag: Flag, token: Token, attached: str | None) -> None:
        if attached is None:
            value = self._tokens.next_value()
            if value is None:
                what = f"the flag --{flag.name} has no value"
                remedy = f"write --{flag.name}=VALUE, which may begin with a dash"
                raise TbotConfigError(what, remedy, source=token.source)
            attached = value.text
        self._given.setdefault(flag.name, []).append(attached)

    def _command_line(self, environ: Mapping[str, str]) -> CommandLine:
        subcommand = self._subcommand or LEGACY
        flags = GLOBAL_FLAGS | subcommand.flags
        settings = {flag.name: self._setting(flag, environ) for flag in flags.values() if not flag.boolean}
        onboarding = (settings["token"].value, settings["join-method"].value, *self._given.get("ca-pin", ()))
        nothing = Setting(value="", source="", on_command_line=False)
        return CommandLine(
            executable=self._executable,
            subcommand=subcommand,
            config=settings["config"],
            config_string=settings["config-string"],
            oneshot=self._switched.get("oneshot"),
            join_method=settings["join-method"].value,
            join_uri=settings.get("join-uri", nothing),
            replaces_onboarding=any(onboarding),
            replaces_services=bool(settings.get("destination-dir", nothing).value),
            skipped=tuple(self._skipped),
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
