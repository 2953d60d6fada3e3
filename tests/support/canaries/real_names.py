"""The real names of this machine, its user and its folders, which are searched for in addition to the canaries."""

from __future__ import annotations

import getpass
import platform
import sys
from contextlib import suppress
from pathlib import Path

from tests.support.program import SOURCE

FILES = {"machine id": Path("/etc/machine-id"), "boot id": Path("/proc/sys/kernel/random/boot_id")}
_SHORTEST = 8  # characters; a shorter name could occur by chance, or in a constant


def real_names() -> dict[str, str]:
    """Return the real names that are long enough to search for, by what they name."""
    found = {
        "host name": platform.node(),
        "kernel release": platform.release(),
        "folder of the source": str(SOURCE),
        "environment of Python": sys.prefix,
    }
    with suppress(KeyError, OSError):  # a user without a name
        found["user"] = getpass.getuser()
    with suppress(RuntimeError):  # a user without a home
        found["home"] = str(Path.home())
    for what, file in FILES.items():
        with suppress(OSError):
            found[what] = file.read_text().strip()
            found[f"{what} without dashes"] = found[what].replace("-", "")
    return {what: name for what, name in found.items() if len(name) >= _SHORTEST}
