"""Whether a zstd file is complete. The engine reads a truncated one as far as it goes, without an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO

MAGIC = b"\x28\xb5\x2f\xfd"

# The fields of a frame (RFC 8878, section 3.1), with their lengths in bytes.
_MAGIC = _SKIPPED_SIZE = 4
_BLOCK_HEADER = 3
_CHECKSUM = 4
_CONTENT_SIZE = (0, 2, 4, 8)  # by the first two bits of the descriptor
_DICTIONARY_ID = (0, 1, 2, 4)  # by its last two bits
_REPEATED_BYTE = 1  # the type of a block that has one byte and the number of its repetitions


def is_whole(file: BinaryIO, size: int) -> bool:
    """Return whether the file ends where its last frame does. Nothing is decompressed.

    Bytes that are not a frame are left for the engine to reject.

    Args:
        file: the file, open for reading.
        size: its size in bytes.
    """
    place = 0
    while 0 <= place < size:
        magic = _read(file, _MAGIC, place)
        if magic == MAGIC:
            place = _end_of_frame(file, place + _MAGIC)
        elif magic[1:] == b"\x2a\x4d\x18" and magic[0] >> 4 == 5:  # noqa: PLR2004  0x184D2A50 to 0x184D2A5F
            skipped = _read(file, _SKIPPED_SIZE, place + _MAGIC)
            place += _MAGIC + _SKIPPED_SIZE + int.from_bytes(skipped, "little")
        else:
            return len(magic) == _MAGIC
    return place == size


def _end_of_frame(file: BinaryIO, place: int) -> int:
    """Return the position after a frame, or -1 if the file ends before it."""
    if not (head := _read(file, 1, place)):
        return -1
    flags = head[0]
    single_segment = bool(flags & 0x20)
    content_size = _CONTENT_SIZE[flags >> 6] or single_segment
    place += 1 + (not single_segment) + _DICTIONARY_ID[flags & 3] + content_size
    is_last = False
    while not is_last:
        header = _read(file, _BLOCK_HEADER, place)
        if len(header) < _BLOCK_HEADER:
            return -1
        number = int.from_bytes(header, "little")
        is_last = bool(number & 1)
        place += _BLOCK_HEADER + (1 if number >> 1 & 3 == _REPEATED_BYTE else number >> 3)
    return place + (_CHECKSUM if flags & 4 else 0)


def _read(file: BinaryIO, length: int, place: int) -> bytes:
    file.seek(place)
    return file.read(length)
