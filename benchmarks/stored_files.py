"""Files of generated starts, with the totals that a report must find in them."""

from __future__ import annotations

import re
import subprocess
import tempfile
from typing import TYPE_CHECKING

from tests.support.stored_starts import Truth, generate

if TYPE_CHECKING:
    from pathlib import Path

# The first digits of a session, which do not include the UUID's version.
_SESSION = re.compile(rb'(\.id","value":\{"stringValue":")[0-9a-f]{8}')
_CHUNK = 1 << 24  # bytes


def write_starts(file: Path, records: int) -> dict[str, int]:
    """Write records, one per line, and return the starts of each run mode."""
    truth = Truth()
    with file.open("wb") as stored:
        stored.writelines(generate(records, truth))
    return truth.totals()


def write_files(lines: Path, folder: Path) -> list[Path]:
    """Write each line to a separate file, as exporters to object storage do."""
    folder.mkdir()
    files = []
    with lines.open("rb") as stored:
        for number, line in enumerate(stored):
            file = folder / f"{number:06}.jsonl"
            file.write_bytes(line)
            files.append(file)
    return files


def write_repeated(file: Path, records: int, copies: int) -> dict[str, int]:
    """Write records, and copies of them with other sessions, compressed by `zstd`.

    Generating each copy would take longer than the measurement. Returns the starts of each run mode, in all copies.
    """
    with tempfile.NamedTemporaryFile(dir=file.parent) as plain, file.open("wb") as stored:
        truth = Truth()
        plain.writelines(generate(records, truth))
        compressor = subprocess.Popen(["zstd", "-q", "-1"], stdin=subprocess.PIPE, stdout=stored)  # noqa: S607
        assert compressor.stdin is not None  # noqa: S101  for the type checker
        for copy in range(copies):
            plain.seek(0)
            while lines := plain.readlines(_CHUNK):
                compressor.stdin.write(_SESSION.sub(rb"\g<1>%08x" % copy, b"".join(lines)))
        compressor.stdin.close()
        if status := compressor.wait():
            raise subprocess.CalledProcessError(status, "zstd")
    return {mode: starts * copies for mode, starts in truth.totals().items()}
