"""The tokens of a command line, with every `@file` replaced by that file's lines, like in tbot's parser (kingpin).

Arguments are counted from 1, the first after the executable: an error names them by that number, not by their text.
"""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from otel_tbot.errors import TbotConfigError
from otel_tbot.regular_file import SIZE_LIMIT, UnreadableFileError, read_regular_file

if TYPE_CHECKING:
    from collections.abc import Sequence

# A file may name other files, or itself, so the number of files is limited.
FILES_LIMIT = 100


class Token(NamedTuple):
    """One argument.

    Attributes:
        text: the argument itself; never part of an error message.
        source: its position, for error messages.
        literal: whether it follows `--`, after which nothing is a flag.
    """

    text: str
    source: str
    literal: bool = False

    @property
    def is_flag(self) -> bool:
        """Whether it begins with a dash, and so can only be a flag."""
        return not self.literal and self.text.startswith("-")


class TokenStream:
    """The tokens of a command line, in order."""

    def __init__(self, arguments: Sequence[str]) -> None:
        """Start at the first argument after the executable."""
        self._waiting = deque(
            Token(text=text, source=f"the command line, argument {number}") for number, text in enumerate(arguments, 1)
        )
        self._literal = False
        self._files_left = FILES_LIMIT
        self._bytes_left = SIZE_LIMIT

    def next(self) -> Token | None:
        """Return the next token, or None at the end.

        Raises:
            TbotConfigError: an `@file` cannot be read.
        """
        while self._waiting:
            token = self._waiting.popleft()
            if self._literal:
                return Token(text=token.text, source=token.source, literal=True)
            if token.text == "--":
                self._literal = True
            elif token.text.startswith("@"):
                self._waiting.extendleft(reversed(self._lines(token)))
            else:
                return token
        return None

    def next_value(self) -> Token | None:
        """Return the next token if it can be a flag's value, which must not begin with a dash; else None."""
        if self._waiting and self._waiting[0].text.startswith("-"):
            return None
        token = self.next()
        if token is not None and (token.is_flag or token.literal):
            self.push_back(token)
            return None
        return token

    def push_back(self, token: Token) -> None:
        """Make this the next token."""
        self._waiting.appendleft(token)

    def _lines(self, token: Token) -> list[Token]:
        problem = "the argument file is one too many"
        if self._files_left > 0:
            self._files_left -= 1
            try:
                content = read_regular_file(token.text[1:], self._bytes_left)
            except UnreadableFileError as error:
                problem = f"the argument file {error}"
            else:
                self._bytes_left -= len(content)
                return _tokens(content, token.source)
        remedy = f"name up to {FILES_LIMIT} readable files of {SIZE_LIMIT} bytes together, each written @FILE"
        raise TbotConfigError(problem, remedy, source=token.source)


def _tokens(content: bytes, source: str) -> list[Token]:
    lines = os.fsdecode(content).split("\n")
    if not lines[-1]:
        lines.pop()
    # kingpin reads a line that begins with # as a comment.
    return [
        Token(text=line.removesuffix("\r"), source=f"{source}, line {number}")
        for number, line in enumerate(lines, 1)
        if not line.startswith("#")
    ]
