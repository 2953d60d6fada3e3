"""Canaries: a word of its own for each place that could betray somebody, and the search for all of them.

A word is 16 letters that no hexadecimal number has, so that no id on the wire holds one by chance. What is searched for
is each word, and each half of it, as it is and as encodings make it: base64 at all three alignments, base64 for URLs,
hexadecimal, percent-encoded. The search takes no notice of upper and lower case.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from urllib.parse import quote

_LETTERS = "ghijkmnpqrstuvwxyz"
_LENGTH = 16  # letters; as many bytes as a trace id has, so that a word can stand as one


def word(place: str, length: int = _LENGTH) -> str:
    """Return the word of a place: always the same."""
    digest = hashlib.sha256(place.encode()).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:length])


def encodings(text: bytes) -> dict[str, list[bytes]]:
    """Return what a text may look like among other bytes, by the name of the encoding."""
    return {
        "as it is": [text],
        "base64": [_base64(text, shift, b"+/") for shift in range(3)],
        "base64 for URLs": [_base64(text, shift, b"-_") for shift in range(3)],
        "hexadecimal": [text.hex().encode()],
        "percent-encoded": [quote(text, safe="").encode(), b"".join(b"%%%02x" % byte for byte in text)],
    }


def _base64(text: bytes, shift: int, signs: bytes) -> bytes:
    """Return the base64 of a text that this many bytes stand before, without the signs in which others have a part."""
    encoded = base64.b64encode(bytes(shift) + text, signs)
    first, last = -(-shift * 8 // 6), (shift + len(text)) * 8 // 6
    return encoded[first:last]


class Canaries:
    """The words that were planted, and where."""

    def __init__(self, machine: str = "") -> None:
        """Begin with none; each machine has words of its own."""
        self._machine = machine
        self.words: dict[str, str] = {}

    def plant(self, place: str, length: int = _LENGTH) -> str:
        """Return the word for a place, and search for it from now on."""
        return self.words.setdefault(place, word(f"{self._machine}{place}", length))

    def watch(self, place: str, text: str) -> None:
        """Search for a text that was there already, too."""
        self.words[place] = text

    def found_in(self, data: bytes) -> list[str]:
        """Return each place whose word is among some bytes, and how it is encoded there."""
        lower = data.lower()
        return [f"{place}, {how}" for place, how, needle in _needles(tuple(self.words.items())) if needle in lower]


@cache
def _needles(words: tuple[tuple[str, str], ...]) -> list[tuple[str, str, bytes]]:
    found = []
    for place, whole in words:
        text = whole.lower().encode()
        for spelled in {whole.encode(), text, text.upper()}:
            for how, needles in encodings(spelled).items():
                found += [(place, how, needle.lower()) for needle in needles]
        half = len(text) // 2
        if half >= 8:  # fewer letters could stand somewhere by chance
            found += [(place, "a half of it", part) for part in (text[:half], text[half:])]
    return found
