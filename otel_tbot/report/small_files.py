"""Many small files, as exporters to object storage write them, made into few: the engine takes its time for each."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from otel_tbot.report.sources import GZIP, PLAIN, ZSTD, Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_SMALL = 1 << 16  # bytes; larger files are not worth a copy
_FEW = 16
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# A line break, as each form has it: the last line of a file may have none.
_LINE_BREAKS = {
    PLAIN: b"\n",
    GZIP: gzip.compress(b"\n"),
    ZSTD: b"\x28\xb5\x2f\xfd\x00\x38\x09\x00\x00\n",  # a frame of one block of one byte (RFC 8878)
}


def join_small_files(sources: Sequence[Source], folder: Path) -> list[Source]:
    """Return the sources with all small ones of a kind as one, which is written into the private folder."""
    small = [source for source in sources if source.kind in _LINE_BREAKS and source.size <= _SMALL]
    if len(small) <= _FEW:
        return list(sources)
    joined = set(small)
    return [*(source for source in sources if source not in joined), *_joined(small, folder)]


def _joined(small: Sequence[Source], folder: Path) -> Iterator[Source]:
    for kind, line_break in _LINE_BREAKS.items():
        of_kind = [source for source in small if source.kind == kind]
        if not of_kind:
            continue
        path = folder / f"joined.{kind}"
        with path.open("xb") as file:
            for source in of_kind:
                file.write(source.path.read_bytes().removeprefix(_BYTE_ORDER_MARK))
                file.write(line_break)
        yield Source(name=f"one of {len(of_kind)} small files", path=path, kind=kind, size=path.stat().st_size)
