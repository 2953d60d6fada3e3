"""The suite's Node.js programs, with the packages that their lock files pin."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

_INSTALL_WITHIN = 50  # seconds


def installed(source: Path, folder: Path) -> Path:
    """Copy a program into a folder and install what it needs there; without Node.js, skip, or fail in CI."""
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    if missing:
        reason = f"{' and '.join(missing)} not found: install Node.js 20 or newer"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    copied = shutil.copytree(source, folder / "node")
    command = ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
    subprocess.run(command, cwd=copied, check=True, timeout=_INSTALL_WITHIN, stdin=subprocess.DEVNULL)
    return copied
