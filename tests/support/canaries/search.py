"""Canaries: a unique word for each location that could identify a user, and the search for all of them in bytes.

A canary has 16 letters that do not occur in hexadecimal numbers, so that no id matches one by chance. The search looks
for each canary and each half of it, plain and encoded: base64 at all three alignments, base64 for URLs, hexadecimal,
percent-encoded. It ignores case.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from urllib.parse import quote

_LETTERS = "ghijkmnpqrstuvwxyz"
_LENGTH = 16  # letters; a trace id has as many bytes, so that a canary fits into one


def word(location: str, length: int = _LENGTH) -> str:
    """Return the canary of a location, which never changes."""
    digest = hashlib.sha256(location.encode()).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:length])


def encodings(text: bytes) -> dict[str, list[bytes]]:
    """Return the encoded forms of a text, by the name of the encoding."""
    return {
        "plain": [text],
        "base64": [_base64(text, shift, b"+/") for shift in range(3)],
        "base64 for URLs": [_base64(text, shift, b"-_") for shift in range(3)],
        "hexadecimal": [text.hex().encode()],
        "percent-encoded": [quote(text, safe="").encode(), b"".join(b"%%%02x" % byte for byte in text)],
    }


def _base64(text: bytes, shift: int, signs: bytes) -> bytes:
    """Return the base64 of a text after `shift` bytes, without the characters that other bytes influence."""
    encoded = base64.b64encode(bytes(shift) + text, signs)
    first, last = -(-shift * 8 // 6), (shift + len(text)) * 8 // 6
    return encoded[first:last]


class Canaries:
    """The planted canaries, by location."""

    def __init__(self, machine: str = "") -> None:
        """Create an empty set; `machine` makes its canaries differ from those of other machines."""
        self._machine = machine
        self.words: dict[str, str] = {}

    def plant(self, location: str, length: int = _LENGTH) -> str:
        """Return the canary for a location, and include it in the search."""
        return self.words.setdefault(location, word(f"{self._machine}{location}", length))

    def add(self, location: str, text: str) -> None:
        """Include an existing text in the search."""
        self.words[location] = text

    def found_in(self, data: bytes) -> list[str]:
        """Return each location whose canary occurs in the data, and its encoding there."""
        lower = data.lower()
        return [
            f"{location}, {how}" for location, how, needle in _needles(tuple(self.words.items())) if needle in lower
        ]


@cache
def _needles(words: tuple[tuple[str, str], ...]) -> list[tuple[str, str, bytes]]:
    found = []
    for location, whole in words:
        text = whole.lower().encode()
        for spelled in {whole.encode(), text, text.upper()}:
            for how, needles in encodings(spelled).items():
                found += [(location, how, needle.lower()) for needle in needles]
        half = len(text) // 2
        if half >= 8:  # fewer letters could occur by chance
            found += [(location, "a half of it", part) for part in (text[:half], text[half:])]
    return found
