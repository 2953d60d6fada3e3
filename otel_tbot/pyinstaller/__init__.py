"""What PyInstaller must know of this package, which it finds by the entry point `pyinstaller40`."""

from __future__ import annotations

import os


def hook_folders() -> list[str]:
    """Return the folder of the hook."""
    return [os.path.dirname(__file__)]  # noqa: PTH120  as PyInstaller wants it
