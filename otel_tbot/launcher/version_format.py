"""Whether the value of `--tbot-version` is a version, decided without importing the schema, which would delay tbot."""

from __future__ import annotations

UNUSABLE = "tbot.version is left out: the value of --tbot-version does not look like a version"
_DIGITS = "0123456789"
_MAX_DIGITS = 5


def is_version(text: str) -> bool:
    """Return whether the schema finds a version in a text: at least a first number, alone or before other characters.

    Args:
        text: the value of the option.
    """
    text = text.removeprefix("v")
    length = len(text) - len(text.lstrip(_DIGITS))
    following = text[length : length + 1]
    return (
        0 < length <= _MAX_DIGITS
        and (length == 1 or not text.startswith("0"))
        and not (following.isascii() and following.isalpha())
    )
