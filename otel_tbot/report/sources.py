"""The files of a report: the format of each, by its first bytes, and a name that the engine takes literally."""

from __future__ import annotations

import gzip
import os
import shutil
import stat
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from otel_tbot.errors import ReportError
from otel_tbot.report import zstd_truncation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

STDIN = "-"
PLAIN, GZIP, ZSTD, PARQUET = "none", "gzip", "zstd", "parquet"

_HEAD = 4096  # bytes, enough to tell every format
_GZIP_MAGIC = b"\x1f\x8b"
_PARQUET_MAGIC = b"PAR1"
_LENGTH = 4  # bytes before each message, where the Collector's exporter frames them
_PROTOBUF_FIRST_FIELD = 0x0A

_SMALL = 1 << 16  # bytes; larger files are not worth a copy
_FEW = 16
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# A line break, as each form has it: the last line of a file may have none.
_LINE_BREAKS = {
    PLAIN: b"\n",
    GZIP: gzip.compress(b"\n"),
    ZSTD: b"\x28\xb5\x2f\xfd\x00\x38\x09\x00\x00\n",  # a frame of one block of one byte (RFC 8878)
}


@dataclass(frozen=True, kw_only=True)
class Source:
    """One file to read.

    Attributes:
        name: the name that the user gave.
        path: the file, or a copy of it in the private folder.
        kind: `none`, `gzip` or `zstd` for JSON lines, or `parquet`.
        size: its bytes when it was looked at.
    """

    name: str
    path: Path
    kind: str
    size: int


def open_sources(names: Iterable[str], folder: Path) -> list[Source]:
    """Look at each file, and return all that hold something.

    Args:
        names: paths; `-` is stdin.
        folder: a private folder, for copies of what can be read only once.

    Raises:
        ReportError: a file cannot be opened, does not hold JSON lines, or is cut.
    """
    sources = (_open(name, folder / f"copy-{number}") for number, name in enumerate(names))
    return [source for source in sources if source is not None]


def check_still_there(sources: Iterable[Source]) -> None:
    """Check that no file became shorter: of one that did, the engine may have read a part.

    Raises:
        ReportError: one did.
    """
    for source in sources:
        try:
            size = source.path.stat().st_size
        except FileNotFoundError:
            size = 0
        if size < source.size:
            message = f"{source.name} was cut, replaced or removed while it was read: run report again"
            raise ReportError(message)


def link(source: Source, path: Path) -> Source:
    """Return the source under a name that the engine takes literally.

    The engine expands patterns in names, and takes some for addresses.

    Args:
        source: what to link to.
        path: the link to make, in the private folder.
    """
    path.symlink_to(source.path.absolute())
    return replace(source, path=path)


def _open(name: str, copy: Path) -> Source | None:
    shown = "stdin" if name == STDIN else name
    try:
        path = _readable(name, copy)
        with path.open("rb") as file:
            head = file.read(_HEAD)
            size = os.fstat(file.fileno()).st_size
            if not head:
                return None
            kind = _kind(head, shown)
            if kind == ZSTD and not zstd_truncation.is_whole(file, size):
                message = f"{shown} ends within its compressed data: it was cut, or is still being written"
                raise ReportError(message)
    except OSError as error:
        message = f"{shown} cannot be read: {error.strerror}"
        raise ReportError(message) from None
    return Source(name=shown, path=path, kind=kind, size=size)


def _readable(name: str, copy: Path) -> Path:
    """Return the file, or the copy of what can be read only once or has a name that the engine cannot be given."""
    if name == STDIN:
        _copy(sys.stdin.buffer, copy)
        return copy
    mode = os.stat(name).st_mode  # noqa: PTH116  Path("a/") would drop the slash
    if stat.S_ISDIR(mode):
        message = f"{name} is a directory: name the files in it, such as {Path(name) / '*.jsonl'}"
        raise ReportError(message)
    if stat.S_ISREG(mode) and _is_taken_literally(os.path.realpath(name)):
        return Path(name)
    with Path(name).open("rb") as file:
        _copy(file, copy)
    return copy


def _is_taken_literally(path: str) -> bool:
    """Return whether the engine opens the file of this name: it takes no bytes that are not text, and no backslash."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return "\\" not in path


def _copy(file: BinaryIO, path: Path) -> None:
    with path.open("xb") as copy:
        shutil.copyfileobj(file, copy, 1 << 20)


def _kind(head: bytes, name: str) -> str:
    """Return what a file holds.

    Raises:
        ReportError: it is a form of the Collector's that has no lines; the message names the setting to change.
    """
    if head.startswith(_GZIP_MAGIC):
        return GZIP
    if head.startswith(zstd_truncation.MAGIC):
        return ZSTD
    if head.startswith(_PARQUET_MAGIC):
        return PARQUET
    if head[_LENGTH:].startswith(zstd_truncation.MAGIC):
        message = (
            f"{name} has a length before each compressed request: remove compression from the Collector's file "
            "exporter, or enable its feature gate exporter.file.nativeCompression"
        )
        raise ReportError(message)
    if head[0] == 0 and head[_LENGTH : _LENGTH + 1] == bytes([_PROTOBUF_FIRST_FIELD]):
        message = f"{name} holds protobuf: set format to json in the Collector's file exporter"
        raise ReportError(message)
    first, _, second = head.removeprefix(b"\xef\xbb\xbf").lstrip().partition(b"\n")
    if first.rstrip().endswith((b"{", b"[")) and second[:1] in {b" ", b"\t"}:
        message = f"{name} has requests of several lines: write one in each line, as the file exporter's json does"
        raise ReportError(message)
    return PLAIN


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
