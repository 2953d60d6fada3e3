"""Reads a regular file that a user named, without blocking and within a memory limit."""

from __future__ import annotations

import os
import stat

# The most bytes that a configuration, or all argument files together, may have. Large real ones have about 100 KiB.
SIZE_LIMIT = 1024 * 1024

_OTHER_KINDS = (
    (stat.S_ISDIR, "is a directory"),
    (stat.S_ISFIFO, "is a pipe"),
    (stat.S_ISCHR, "is a device"),
    (stat.S_ISBLK, "is a device"),
    (stat.S_ISSOCK, "is a socket"),
)


class UnreadableFileError(Exception):
    """Why a file was not read, as a continuation of "the file …".

    Attributes:
        found: whether the name exists.
    """

    def __init__(self, why: str, *, found: bool = True) -> None:
        """Set the reason."""
        super().__init__(why)
        self.found = found


def read_regular_file(path: str, limit: int = SIZE_LIMIT) -> bytes:
    """Return the content of a regular file.

    The kind is checked before the file is opened: opening and closing a pipe would kill its writer, and tbot would
    find nothing. It is checked again on the open descriptor.

    Args:
        path: the file's name.
        limit: the most bytes that it may have.

    Raises:
        UnreadableFileError: it is missing, unreadable, not a regular file, or longer than the limit.
    """
    found = False
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116  pathlib costs more to import than all of this
        found = True
        _require_regular(mode)
        with open(path, "rb", opener=_open_at_once) as file:
            _require_regular(os.fstat(file.fileno()).st_mode)
            content = file.read(limit + 1)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        why = _reason(error)
    else:
        if len(content) <= limit:
            return content
        why = f"is larger than {limit} bytes"
    # Raised outside the handler, so that it keeps no link to an error that repeats the name.
    raise UnreadableFileError(why, found=found)


def _require_regular(mode: int) -> None:
    if stat.S_ISREG(mode):
        return
    raise UnreadableFileError(next((what for is_kind, what in _OTHER_KINDS if is_kind(mode)), "is not a regular file"))


def _open_at_once(path: str, flags: int) -> int:
    # If a pipe has replaced the file in the meantime, opening it must not wait for a writer. Windows has neither flag.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, (FileNotFoundError, NotADirectoryError, ValueError)):
        return "does not exist"
    # The system's text for the number, because the error's text repeats the name.
    return f"cannot be read ({os.strerror(error.errno or 0)})"
