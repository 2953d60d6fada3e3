"""Zstandard frames without compression (RFC 8878): as an exporter writes them, for a Python without a compressor."""

from __future__ import annotations

_MAGIC = b"\x28\xb5\x2f\xfd"
_BLOCK = 1 << 17  # bytes, the largest block
_WINDOW_128_KIB = b"\x00\x38"  # no content size, no checksum, no dictionary; a window of 128 KiB


def zstd(content: bytes) -> bytes:
    """Return one frame with this content."""
    blocks = [content[start : start + _BLOCK] for start in range(0, len(content), _BLOCK)] or [b""]
    frame = [_MAGIC, _WINDOW_128_KIB]
    for number, block in enumerate(blocks, start=1):
        frame += [(len(block) << 3 | (number == len(blocks))).to_bytes(3, "little"), block]
    return b"".join(frame)
