"""One row of the schema: an attribute's name, and the values that it may have."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from otel_tbot.errors import InvalidEventError

if TYPE_CHECKING:
    from collections.abc import Callable

_END = r"\Z"
_BOUNDARY = r"(?![0-9A-Za-z])"


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """An attribute that may be sent.

    Attributes:
        name: its name on the wire.
        type: `string` or `int`.
        required: whether every event or resource carries it.
        values: the allowed texts, if they are a closed set.
        pattern: the regular expression that a text must match completely, if they are not.
        prefix: removed from the start of a text first.
        drop_rest: whether a text only needs to match up to a character that is neither a letter nor a digit; only the
            match is sent.
        max_length: the longest text allowed, in characters; 0 where the pattern limits it.
        maximum: the largest number; a larger one is sent as this.
        on_invalid: what replaces a text that is not allowed: `omit` leaves the attribute out, `_OTHER` is sent
            instead, `refuse` is an error.
    """

    name: str
    type: Literal["string", "int"]
    required: bool
    values: tuple[str, ...] = ()
    pattern: str = ""
    prefix: str = ""
    drop_rest: bool = False
    max_length: int = 0
    maximum: int = 0
    on_invalid: Literal["omit", "_OTHER", "refuse"] = "refuse"

    @cached_property
    def field(self) -> str:
        """The name without its namespace, as a field of `StartEvent`."""
        return self.name.partition(".")[2]

    @cached_property
    def validate(self) -> Callable[[object], str | int | None]:
        """The function that returns the value to send, rebuilt and of the exact type; None leaves the attribute out.

        It raises InvalidEventError if nothing can replace the value. The message does not repeat it.
        """
        return self._text if self.type == "string" else self._number

    def _number(self, value: object) -> int:
        if type(value) is int and 0 <= value <= self.maximum:
            return value
        # Called on the type, this returns a plain int for an object that only behaves like one.
        number = int.__index__(value) if isinstance(value, int) and not isinstance(value, bool) else -1
        if number < 0:
            message = f"{self.name} must be a whole number that is not negative"
            raise InvalidEventError(message)
        return min(number, self.maximum)

    def _text(self, value: object) -> str | None:
        if value is None and not self.required:
            return None
        # Called on the type, this returns a plain str for an object that only claims to be one.
        text = str.removeprefix(value, self.prefix) if isinstance(value, str) else None
        if text == "" and not self.required:
            return None
        matched = None if text is None else self._match(text)
        if matched is not None:
            return matched
        if self.on_invalid == "refuse":
            message = f"{self.name} must be {' or '.join(self.values) or f'of the form {self.pattern}'}"
            raise InvalidEventError(message)
        return None if self.on_invalid == "omit" else self.on_invalid

    @cached_property
    def _match(self) -> Callable[[str], str | None]:
        """The function that returns the part of a text that may be sent, or None."""
        if self.values:
            return {value: value for value in self.values}.get
        match = re.compile(f"(?:{self.pattern}){_BOUNDARY if self.drop_rest else _END}").match
        longest = self.max_length or sys.maxsize

        def matched(text: str) -> str | None:
            found = match(text) if len(text) <= longest else None
            return found[0] if found else None

        return matched
