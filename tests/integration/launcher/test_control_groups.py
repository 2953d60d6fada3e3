"""The control groups of the tests leave nothing behind."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.integration.launcher.control_groups import ENTER, control_group, version_2

# Ends while its threads still run. The last of them frees the memory, which takes a moment.
MANY_THREADS = """\
import os, threading, time
memory = bytearray(300 * 1024 * 1024)
for _ in range(16):
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
os._exit(0)
"""
# Ends at once, and leaves the program running in the group.
IN_BACKGROUND = ["sh", "-c", '"$@" & exit', "sh"]


@pytest.mark.usefixtures("_needs_proc")
def test_ending_threads() -> None:
    """A group is removed although the threads of its last process are still ending."""
    program = [sys.executable, "-c", MANY_THREADS]
    with control_group(version_2()) as group:
        subprocess.run(["sh", "-c", ENTER, str(group), *IN_BACKGROUND, *program], check=True)
    assert not group.exists()
