"""File systems to which nothing can be written, mounted for one process and its children only."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# What a shell does whose $0 is a folder, before it becomes the program. In the second that folder, with all that it
# holds, is a file system that is full to its last page, and its folder `work` becomes the working directory.
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
# What a write says there.
WRITE_ERRORS = {"read-only": "Read-only file system", "full": "No space left on device"}


def mount_command(name: str, folder: Path) -> list[str]:
    """Return the program that runs another so; skip where the system does not allow it."""
    command = ["unshare", "--mount", "sh", "-c", MOUNTS[name], str(folder)]
    if subprocess.run([*command, "true"], check=False, capture_output=True).returncode:
        pytest.skip("the system refuses to mount file systems for one process")
    return command
