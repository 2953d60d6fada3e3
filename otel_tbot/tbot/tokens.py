"""The words of a command line, with every `@file` replaced by that file's lines, as tbot's parser (kingpin) does it.

Arguments are counted from 1, the first after the executable: a complaint names them by that number, not by their text.
"""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from otel_tbot.errors import TbotConfigError
from otel_tbot.tbot.regular_file import SIZE_LIMIT, UnreadableFileError, read_regular_file

if TYPE_CHECKING:
    from collections.abc import Sequence

# A file may name further files, or itself: so the number of files is what must end.
FILES_LIMIT = 100


class Token(NamedTuple):
    """One argument.

    Attributes:
        text: the argument itself; never part of a complaint.
        place: where it stands, for complaints.
        literal: whether it stands after `--`, where nothing is a flag.
    """

    text: str
    place: str
    literal: bool = False

    @property
    def is_flag(self) -> bool:
        """Whether it is a flag or cannot be anything else: it begins with a dash."""
        return not self.literal and self.text.startswith("-")


class TokenStream:
    """The words of a command line, one after the other."""

    def __init__(self, arguments: Sequence[str]) -> None:
        """Begin at the first of the arguments, which is the one after the executable."""
        self._waiting = deque(
            Token(text=text, place=f"the command line, argument {number}") for number, text in enumerate(arguments, 1)
        )
        self._literal = False
        self._files_left = FILES_LIMIT
        self._bytes_left = SIZE_LIMIT

    def next(self) -> Token | None:
        """Return the next word, or None at the end.

        Raises:
            TbotConfigError: an `@file` cannot be read.
        """
        while self._waiting:
            word = self._waiting.popleft()
            if self._literal:
                return Token(text=word.text, place=word.place, literal=True)
            if word.text == "--":
                self._literal = True
            elif word.text.startswith("@"):
                self._waiting.extendleft(reversed(self._lines(word)))
            else:
                return word
        return None

    def next_value(self) -> Token | None:
        """Return the next word if it can be a flag's value, which must not begin with a dash; else None."""
        if self._waiting and self._waiting[0].text.startswith("-"):
            return None
        word = self.next()
        return None if word is None or word.is_flag or word.literal else word

    def push_back(self, word: Token) -> None:
        """Make this the next word."""
        self._waiting.appendleft(word)

    def _lines(self, word: Token) -> list[Token]:
        problem = "the argument file is one of too many"
        if self._files_left > 0:
            self._files_left -= 1
            try:
                content = read_regular_file(word.text[1:], self._bytes_left)
            except UnreadableFileError as error:
                problem = f"the argument file {error}"
            else:
                self._bytes_left -= len(content)
                return _words(content, word.place)
        remedy = f"name up to {FILES_LIMIT} readable files of {SIZE_LIMIT} bytes together, each written @FILE"
        raise TbotConfigError(problem, remedy, source=word.place)


def _words(content: bytes, place: str) -> list[Token]:
    lines = os.fsdecode(content).split("\n")
    if not lines[-1]:
        lines.pop()
    # A line that begins with # is a comment to kingpin.
    return [
        Token(text=line.removesuffix("\r"), place=f"{place}, line {number}")
        for number, line in enumerate(lines, 1)
        if not line.startswith("#")
    ]
