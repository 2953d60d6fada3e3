"""Whether this process is a container's first one, with which the container runtime ends everything in it."""

from __future__ import annotations

import os

_OUTSIDE = 0  # the parent's pid, if the parent is in no PID namespace that this process sees
_INIT_PID = 1
_OTHER_GROUP = "/.."  # begins a path that leads out of a namespace of control groups (cgroup_namespaces(7))


def is_container_main_process(proc: str = "/proc") -> bool:
    """Tell whether this process was started from outside of its container.

    Process 1 was, and so was the first process of a container that shares its pod's PID namespace: neither sees its
    parent. Where the host's PID namespace is shared, the parent is seen, but its control group is not.

    Args:
        proc: where the proc file system is mounted.
    """
    parent = os.getppid()
    if parent == _OUTSIDE:
        return True
    # systemd starts a unit with a private namespace of control groups like this, and keeps what the unit leaves behind.
    return parent != _INIT_PID and _is_outside_control_group(f"{proc}/{parent}/cgroup")


def _is_outside_control_group(membership: str) -> bool:
    try:
        with open(membership, encoding="ascii", errors="replace") as file:  # noqa: PTH123  pathlib takes too long to load
            # Each line is NUMBER:CONTROLLERS:PATH.
            return any(line.split(":", 2)[-1].startswith(_OTHER_GROUP) for line in file)
    except OSError:
        return False
