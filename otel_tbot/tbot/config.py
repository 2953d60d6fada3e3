"""tbot's configuration: what the event needs from it, and its text from a file or from base64 in a flag or variable."""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING, NamedTuple

from otel_tbot.errors import TbotConfigError
from otel_tbot.regular_file import SIZE_LIMIT, UnreadableFileError, read_regular_file

if TYPE_CHECKING:
    from otel_tbot.tbot.command_line import CommandLine, Setting
    from otel_tbot.tbot.join_uri import JoinUri

# The standard alphabet with its padding, RFC 4648 section 4. That the length is a multiple of four is checked
# separately: a repeated group would cost 40 times the memory of the text.
_BASE64 = r"[A-Za-z0-9+/]*={0,2}"
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class ConfigText(NamedTuple):
    """The text of a configuration, and its source's name in error messages."""

    text: str
    source: str


def read_config_text(command: CommandLine) -> ConfigText | None:
    """Return the configuration that a command line names, or None if it names none.

    Raises:
        TbotConfigError: it names two, or it cannot be read, is too large, or is not text.
    """
    if command.config.value and command.config_string.value:
        what = f"{command.config.source} gives a second configuration"
        raise TbotConfigError(what, "leave one out", source=command.config_string.source)
    if command.config_string.value:
        return _decoded(_from_base64(command.config_string), command.config_string.source)
    if command.config.value:
        return _from_file(command.config)
    return None


def _from_file(setting: Setting) -> ConfigText:
    source = f"the file that {setting.source} names"
    # A path that the user typed is only shown if it exists: it may also be a secret typed by mistake.
    shown = setting.value if setting.on_command_line and setting.value.isprintable() else source
    try:
        content = read_regular_file(setting.value)
    except UnreadableFileError as error:
        problem, found = f"the configuration file {error}", error.found
    else:
        return _decoded(content, shown)
    remedy = f"name a regular file of at most {SIZE_LIMIT} bytes"
    raise TbotConfigError(problem, remedy, source=shown if found else setting.source)


def _from_base64(setting: Setting) -> bytes:
    # Go's decoder, which tbot uses, skips line ends.
    encoded = setting.value.replace("\r", "").replace("\n", "")
    if len(encoded) % 4 or not re.fullmatch(_BASE64, encoded):
        what, remedy = "not valid base64", "encode the YAML with base64, padding included"
        raise TbotConfigError(what, remedy, source=setting.source)
    content = binascii.a2b_base64(encoded)
    if len(content) > SIZE_LIMIT:
        what, remedy = f"the configuration is larger than {SIZE_LIMIT} bytes", "make it smaller"
        raise TbotConfigError(what, remedy, source=setting.source)
    return content


def _decoded(content: bytes, source: str) -> ConfigText:
    encoding = "utf-16" if content.startswith(_UTF_16_MARKS) else "utf-8-sig"
    try:
        return ConfigText(content.decode(encoding), source)
    except UnicodeDecodeError as error:
        # This is also the line in UTF-16, where a line end has the same byte.
        line = content.count(b"\n", 0, error.start) + 1
    # Raised outside the handler, so that the error keeps no link to one with the content.
    raise TbotConfigError("not UTF-8 text", "save it as UTF-8", source=source, line=line)


class Config(NamedTuple):
    """A configuration of either version, as far as the event needs it.

    Attributes:
        oneshot: whether tbot ends after the first renewal.
        join_method: the join method; empty if none is set.
        join_uri: the join URI, if one is set.
        outputs: the kind of each entry of `outputs`, as in `destinations`.
        services: the kind of each entry of `services`, or of a v1 file's `destinations`.
        rejected_by_19: why tbot 19 and newer reject it; None if they do not.
    """

    oneshot: bool = False
    join_method: str = ""
    join_uri: JoinUri | None = None
    outputs: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    rejected_by_19: TbotConfigError | None = None
