"""The headroom of this process's control group: tbot and the sender share it, and tbot must not run out.

Reads cgroup v2 and v1. Inside a container the group's folder may be the root of the mounted hierarchy, so each folder
from the group's own up to the root is read, and the smallest number counts.
"""

from __future__ import annotations

_ROOT = "/sys/fs/cgroup"
_MEMBERSHIP = "/proc/self/cgroup"
_CONTROLLERS = frozenset({"memory", "pids", "cpu", ""})  # in version 2 the name is empty: one group has them all
_UNLIMITED = float("inf")


class Headroom:
    """What may still be used.

    Attributes:
        memory: bytes; infinite without a limit. Caches that the kernel can drop count as free.
        tasks: processes and threads; infinite without a limit.
        cpu_limited: whether there is a quota of CPU time.
    """

    __slots__ = ("cpu_limited", "memory", "tasks")

    def __init__(self, memory: float = _UNLIMITED, tasks: float = _UNLIMITED, *, cpu_limited: bool = False) -> None:
        self.memory = memory
        self.tasks = tasks
        self.cpu_limited = cpu_limited


def read_headroom(root: str = _ROOT, membership: str = _MEMBERSHIP) -> Headroom:
    """Return the headroom. A limit that cannot be read counts as unlimited.

    Args:
        root: where control groups are mounted.
        membership: the file that names the groups of this process (cgroups(7)).
    """
    headroom = Headroom()
    for line in _read(membership).splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        for controller in _CONTROLLERS.intersection(controllers.split(",")):
            base = f"{root}/{controller}" if controller else root
            for folder in _up_to_root(path):
                _reduce(headroom, base + folder)
    return headroom


def _up_to_root(path: str) -> list[str]:
    folders = [""]
    for part in path.strip("/").split("/"):
        if part not in {"", ".."}:  # a group outside of the namespace begins with /..
            folders.append(f"{folders[-1]}/{part}")
    return folders


def _reduce(headroom: Headroom, folder: str) -> None:
    memory = _remaining(folder, ("memory.max", "memory.limit_in_bytes"), ("memory.current", "memory.usage_in_bytes"))
    if memory < _UNLIMITED:
        headroom.memory = min(headroom.memory, memory + _inactive_file(folder))
    headroom.tasks = min(headroom.tasks, _remaining(folder, ("pids.max",), ("pids.current",)))
    quota = _read(f"{folder}/cpu.max") or _read(f"{folder}/cpu.cfs_quota_us")
    if quota and not quota.startswith(("max", "-1")):
        headroom.cpu_limited = True


def _remaining(folder: str, limits: tuple[str, ...], uses: tuple[str, ...]) -> float:
    return _number(folder, limits) - _number(folder, uses, default=0)


def _number(folder: str, names: tuple[str, ...], default: float = _UNLIMITED) -> float:
    for name in names:
        text = _read(f"{folder}/{name}").strip()
        if text.isdigit():
            return int(text)
    return default


def _inactive_file(folder: str) -> int:
    """Return the bytes of file contents that are kept and not in use."""
    values = dict(line.split(" ", 1) for line in _read(f"{folder}/memory.stat").splitlines() if " " in line)
    value = values.get("total_inactive_file") or values.get("inactive_file", "")  # in version 1, with the groups below
    return int(value) if value.isdigit() else 0


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:  # noqa: PTH123  pathlib takes too long to load
            return file.read()
    except OSError:
        return ""
