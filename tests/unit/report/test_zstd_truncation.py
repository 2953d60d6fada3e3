"""A truncated zstd file is detected, for any kind of frame."""

from __future__ import annotations

import shutil
import subprocess
import tempfile

import pytest

from otel_tbot.report.zstd_truncation import is_whole
from tests.support.zstd import zstd

SKIPPABLE = b"\x5a\x2a\x4d\x18\x05\x00\x00\x00other"
# RFC 8878: a frame of a dictionary, its content's size and a checksum, with a block that repeats a byte.
REPEATED = b"\x28\xb5\x2f\xfd\x67\x07\x00\x00\x00\x09\x00\x4b\x00\x00xsum!"


def whole(content: bytes) -> bool:
    """Return whether a file with this content is complete."""
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        return is_whole(file, len(content))


@pytest.mark.parametrize(
    "frames",
    [(zstd(b"text"),), (zstd(b"text"), SKIPPABLE, zstd(b"x" * 140_000)), (REPEATED,), (SKIPPABLE, REPEATED)],
    ids=["one frame", "with a skippable frame", "one repeated byte", "skippable frame first"],
)
def test_frames(frames: tuple[bytes, ...]) -> None:
    """A file is complete if it ends where a frame ends."""
    content = b"".join(frames)
    ends = {len(b"".join(frames[:number])) for number in range(1, len(frames) + 1)}
    places = {*range(1, 60), *range(len(content) - 60, len(content) + 1), *ends} & {*range(1, len(content) + 1)}
    assert {place for place in places if whole(content[:place])} == ends


@pytest.mark.parametrize("options", [["-1"], ["-19", "--no-check"], ["-1", "--single-thread", "--no-content-size"]])
def test_compressor(options: list[str]) -> None:
    """The output of the common compressor is complete, and without its last byte it is not."""
    program = shutil.which("zstd")
    if program is None:
        pytest.skip("zstd is not installed")
    text = b"".join(b"%d\n" % number for number in range(100_000))
    content = subprocess.run([program, "-q", *options], input=text, capture_output=True, check=True).stdout
    assert whole(content)
    assert not whole(content[:-1])


def test_no_frame() -> None:
    """Bytes after a frame that do not begin another are left to the engine to reject."""
    assert whole(zstd(b"text") + b"more")
