"""Write a result to a file: all of it or nothing."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def replace_file(name: str, content: bytes) -> None:
    """Write a temporary file in the same folder, and rename it.

    A name that is not a regular file, such as /dev/stdout or a pipe, is written to directly.

    Args:
        name: the path; a symbolic link is kept.
        content: the complete content of the file.

    Raises:
        OSError: it could not be written.
    """
    path = Path(os.path.realpath(name))
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("xb") as file:
            if path.exists():
                temporary.chmod(path.stat().st_mode & 0o777)
            file.write(content)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
