"""Every sentence that an error about tbot's command line or configuration may consist of, written by hand.

An error is one of these sentences after its location, so it cannot contain a value. A new sentence in the code must be
added here, after a check of what it repeats.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from otel_tbot.tbot.config_parser import PRINTABLE_KEYS
from otel_tbot.tbot.yaml_reader.document import PARSER_REASONS

if TYPE_CHECKING:
    from otel_tbot.errors import TbotConfigError

_NUMBER = r"\d+"
_FLAG = "--[a-z-]+"
_SENTENCES = f"""
no tbot command is named; only start reports an event, so use start, or run tbot directly
this shows tbot's help; only start reports an event, so use start, or run tbot directly
the tbot command is not start; only start reports an event, so use start, or run tbot directly
unexpected argument; see `tbot start --help`
not a subcommand of tbot start; see `tbot start --help`
unknown flag; see `tbot start --help`
unknown flag before start; see `tbot start --help`
the flag {_FLAG} takes no value; write {_FLAG} or {_FLAG}
the flag {_FLAG} has no value; write {_FLAG}=VALUE, which may begin with a dash
the argument file MISSING; name up to {_NUMBER} readable files of {_NUMBER} bytes together, each written @FILE
the configuration file UNREADABLE; name a regular file of at most {_NUMBER} bytes
(-c/--config|TBOT_CONFIG_PATH) gives a second configuration; leave one out
not valid base64; encode the YAML with base64, padding included
the configuration is larger than {_NUMBER} bytes; make it smaller
not UTF-8 text; save it as UTF-8
not valid YAML (control character); remove it
there are more than {_NUMBER} %TAG directives; write tags in full
not valid YAML; correct it
there are more than {_NUMBER} levels; flatten them
no YAML document; write {{}} for an empty one
duplicate key; remove one of them
<< can merge only a mapping or a list of mappings; correct it
this mapping merges itself; remove the merge
the configuration is not a mapping; write keys and values, or {{}} for an empty one
this version is unknown; write v2
not a boolean; write true or false, without quotes
not a string; put the value in quotes
not a string; write a name
not a mapping; write keys and values
not a list; write a list
this entry is not a mapping; write its keys and values
this entry has no type; give it one, such as identity
outputs needs version: v2; add the line version: v2
this destination also has [a-z_]+, but can have only one kind; make two destinations
not a join URI; write tbot+proxy+METHOD://TOKEN@ADDRESS, or auth instead of proxy
the join URI and join_method name different methods; leave one out
"""
_UNREADABLE = (
    "does not exist|is a directory|is a pipe|is a device|is a socket"
    rf"|is not a regular file|is larger than {_NUMBER} bytes|cannot be read \([A-Za-z ]+\)"
)


def _pattern(sentence: str) -> str:
    # Keep the patterns above, and escape the rest.
    parts = re.split(rf"({re.escape(_NUMBER)}|{re.escape(_FLAG)}|\[a-z_\]\+|\(-c.*PATH\))", sentence)
    pattern = "".join(part if number % 2 else re.escape(part) for number, part in enumerate(parts))
    return pattern.replace("MISSING", f"({_UNREADABLE}|is one too many)").replace("UNREADABLE", f"({_UNREADABLE})")


_YAML_ERRORS = [f"not valid YAML ({reason}); correct it" for reason in PARSER_REASONS]
_SENTENCE = "|".join(_pattern(sentence) for sentence in [*_SENTENCES.strip().splitlines(), *_YAML_ERRORS])
_SOURCES = (
    "the command line",
    rf"the command line, argument {_NUMBER}(, line {_NUMBER})*",
    "TBOT_CONFIG",
    "TBOT_CONFIG_PATH",
    "the file that (TBOT_CONFIG_PATH|-c/--config) names",
    "-c/--config",
    "--config-string",
    "--join-uri",
)
_KEY = "|".join(map(re.escape, sorted(PRINTABLE_KEYS)))


def is_known(message: str, *files: str) -> bool:
    """Return whether an error message consists of known sentences only.

    Args:
        message: the error message.
        files: paths of existing files, which a message may contain if the user typed them.
    """
    sources = "|".join([*_SOURCES, *map(re.escape, files)])
    known = rf"({sources})(, line {_NUMBER})?(, ({_KEY}))?: ({_SENTENCE})"
    return re.fullmatch(known, message) is not None


def check(error: TbotConfigError, *files: str) -> None:
    """Check that an error has known sentences only, and has no linked error that could reveal more."""
    assert is_known(str(error), *files), str(error)
    assert (error.__cause__, error.__context__) == (None, None)
