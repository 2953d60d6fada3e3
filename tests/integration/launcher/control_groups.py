"""Control groups that a test creates for itself, where the system allows it."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import pytest

from tests.support.collector import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

# What `sh -c` runs with a group's folder and a command: it enters the group, and becomes the command.
ENTER = 'echo $$ >"$0/cgroup.procs" && exec "$@"'


def version_2() -> Path:
    """Return where control groups of version 2 are mounted; skip where they are not."""
    mounts = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    for _, point, kind, *_ in mounts:
        if kind == "cgroup2":
            return Path(point)
    pytest.skip("there are no control groups of version 2")


@contextmanager
def control_group(parent: Path, **limits: int) -> Iterator[Path]:
    """Create a control group below `parent`, yield its folder, and remove it once its processes have ended.

    The names of limits are those of the kernel's files, with `__` for the dot.
    """
    try:
        folder = Path(mkdtemp(prefix="otel-tbot-test-", dir=parent))
    except OSError as error:
        pytest.skip(f"the system refuses a control group: {error.strerror}")
    try:
        _set_limits(folder, limits)
        yield folder
    finally:
        wait_until(lambda: _removed(folder), "the control group is removed")


def _set_limits(folder: Path, limits: dict[str, int]) -> None:
    try:
        for name, value in limits.items():
            folder.joinpath(name.replace("__", ".")).write_text(str(value))
    except OSError as error:
        pytest.skip(f"the system refuses this limit for a control group: {error.strerror}")


def _removed(folder: Path) -> bool:
    # Checking that `cgroup.procs` is empty is not enough: a process leaves that list before its last thread has exited,
    # and until then the kernel refuses to remove the group.
    try:
        folder.rmdir()
    except OSError as error:
        if error.errno == errno.EBUSY:
            return False
        raise
    return True
