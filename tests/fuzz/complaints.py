"""Every sentence that a complaint about tbot's command line or configuration may consist of, written down by hand.

A complaint is one of these, after the place that it speaks of. So it can hold no value: whoever adds a sentence to the
code adds it here, and looks at what it repeats.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from otel_tbot.tbot.config_parser import PRINTABLE_KEYS

if TYPE_CHECKING:
    from otel_tbot.errors import TbotConfigError

_NUMBER = r"\d+"
_FLAG = "--[a-z-]+"
_SENTENCES = f"""
no tbot command is named; only start reports an event, so name that or run tbot by itself
this asks tbot for help; only start reports an event, so name that or run tbot by itself
the tbot command is not start; only start reports an event, so name that or run tbot by itself
no argument is expected here; see `tbot start --help`
this is no subcommand of tbot start; see `tbot start --help`
this flag is unknown here; see `tbot start --help`
this flag is unknown before start; see `tbot start --help`
the flag {_FLAG} takes no value; write {_FLAG} or {_FLAG}
the flag {_FLAG} has no value; write {_FLAG}=VALUE, which may also begin with a dash
the argument file MISSING; name up to {_NUMBER} readable files of {_NUMBER} bytes together, each written @FILE
the configuration file UNREADABLE; name a regular file of at most {_NUMBER} bytes
(-c/--config|TBOT_CONFIG_PATH) gives a second configuration; leave one out
this is no standard base64; encode the YAML with base64, padding included
the configuration is larger than {_NUMBER} bytes; make it smaller
this is no UTF-8 text; save it as UTF-8
this line holds a character that YAML does not allow; repair the YAML
there are more than {_NUMBER} %TAG directives; write tags in full
this is no valid YAML; repair the YAML
there are more than {_NUMBER} levels; flatten them
there is no YAML document; write {{}} for an empty one
this key is in its mapping twice; remove one of them
only a mapping or a list of mappings can be merged by <<; repair the YAML
this mapping is merged into itself; repair the YAML
the configuration is no mapping; write keys and values, or {{}} for an empty one
this version is unknown; write v2
this is no boolean; write true or false, without quotes
this is no text; write a text, in quotes if it looks otherwise
this is no text; write a name
this is no mapping; write keys and values
this is no list; write a list
this entry is no mapping; write its keys and values
this entry has no type; give it one, such as identity
a configuration without version: v2 has no outputs; add the line version: v2
this destination has [a-z_]+ too, and can be of one kind only; make two of it
this is no join URI; write tbot+proxy+METHOD://TOKEN@ADDRESS, or auth for proxy
this join URI names another join method than the one set beside it; leave one out
"""
_UNREADABLE = (
    "does not exist|is a directory|is a pipe, which can be read only once, and by tbot|is a device|is a socket"
    rf"|is no regular file|is larger than {_NUMBER} bytes|cannot be read \([A-Za-z ]+\)"
)


def _pattern(sentence: str) -> str:
    # What is written as a pattern above stays one; the rest is taken as it stands.
    parts = re.split(rf"({re.escape(_NUMBER)}|{re.escape(_FLAG)}|\[a-z_\]\+|\(-c.*PATH\))", sentence)
    pattern = "".join(part if number % 2 else re.escape(part) for number, part in enumerate(parts))
    return pattern.replace("MISSING", f"({_UNREADABLE}|is one of too many)").replace("UNREADABLE", f"({_UNREADABLE})")


_SENTENCE = "|".join(_pattern(sentence) for sentence in _SENTENCES.strip().splitlines())
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


def is_known(complaint: str, *files: str) -> bool:
    """Tell whether a complaint consists of known sentences alone.

    Args:
        complaint: what was said.
        files: the paths of files that are there, which a complaint may name where the user typed them.
    """
    sources = "|".join([*_SOURCES, *map(re.escape, files)])
    known = rf"({sources})(, line {_NUMBER})?(, ({_KEY}))?: ({_SENTENCE})"
    return re.fullmatch(known, complaint) is not None


def check(error: TbotConfigError, *files: str) -> None:
    """Check that an error says known sentences alone, and keeps no other error that could say more."""
    assert is_known(str(error), *files), str(error)
    assert (error.__cause__, error.__context__) == (None, None)
