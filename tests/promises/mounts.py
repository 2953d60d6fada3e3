"""File systems that cannot be written, mounted for one process and its children."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# Shell scripts that mount file systems and exec the program; $0 is a folder. In the second one, the folder and its
# content are a file system without a free page, and its folder `work` becomes the working directory.
MOUNTS = {
    "read-only": 'mount -o remount,bind,ro / && mount --bind -o ro /tmp /tmp && exec "$@"',
    "full": """
mkdir -p "$0.full" && mount -t tmpfs -o size=512k none "$0.full" &&
    cp -a "$0/." "$0.full" && mount --bind "$0.full" "$0"
test $? = 0 || exit
cat /dev/zero >"$0/rest" 2>/dev/null
cd "$0/work" && exec "$@"
""",
}
# The error message of a write there.
WRITE_ERRORS = {"read-only": "Read-only file system", "full": "No space left on device"}


def mount_command(name: str, folder: Path) -> list[str]:
    """Return the command prefix that runs a program with these mounts; skip where the system does not allow it."""
    command = ["unshare", "--mount", "sh", "-c", MOUNTS[name], str(folder)]
    if subprocess.run([*command, "true"], check=False, capture_output=True).returncode:
        pytest.skip("the system refuses to mount file systems for one process")
    return command
