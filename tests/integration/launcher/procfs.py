"""What Linux shows about a process from outside: everything that it has inherited, and its relatives."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")

# Of `status`: identity, permissions, signals and limits. The rest are sizes and counts that vary.
_STATUS = re.compile(
    "Umask|Uid|Gid|Groups|TracerPid|Threads|NoNewPrivs|Seccomp|Speculation.*|(Sig|Shd)(Pnd|Blk|Ign|Cgt)|Cap.*|.*_allowed"
)


def link(path: Path | str) -> str:
    """Return the exact target of a link, which need not be a path."""
    return os.readlink(path)  # noqa: PTH115  not always a path


def stat(pid: int) -> dict[str, int]:
    """Return the numbers of `stat` about a process's relatives and scheduling (proc_pid_stat(5))."""
    fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    places = {"ppid": 1, "pgid": 2, "sid": 3, "tty": 4, "foreground": 5, "nice": 16, "policy": 38}
    return {name: int(fields[place]) for name, place in places.items()}


def status(pid: int) -> dict[str, str]:
    """Return all values of `status`."""
    lines = (PROC / str(pid) / "status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def signals(pid: int, name: str) -> set[int]:
    """Return the numbers in one of the signal sets of `status`, such as `SigIgn`."""
    mask = int(status(pid)[name], 16)
    return {number for number in range(1, 65) if mask >> (number - 1) & 1}


def environment(pid: int) -> list[bytes]:
    """Return the environment that a process was given, byte for byte and in its order."""
    return (PROC / str(pid) / "environ").read_bytes().split(b"\0")[:-1]


def descriptors(pid: int) -> dict[int, tuple[str, str]]:
    """Return the target of each open descriptor, and its flags."""
    found = {}
    for entry in (PROC / str(pid) / "fd").iterdir():
        with suppress(FileNotFoundError):  # closed in the meantime
            flags = int((PROC / str(pid) / "fdinfo" / entry.name).read_text().split("flags:")[1].split()[0], 8)
            found[int(entry.name)] = (link(entry), f"{flags:o}")
    return found


def children(pid: int) -> list[int]:
    """Return the children of a process, zombies too."""
    return [int(child) for child in (PROC / str(pid) / "task" / str(pid) / "children").read_text().split()]


def alive(mark: str) -> list[int]:
    """Return the processes, except zombies, whose variable `MARK` has this value, and their descendants."""
    found = []
    for entry in PROC.iterdir():
        # It may end meanwhile, or belong to another user.
        with suppress(OSError):
            if entry.name.isdigit() and f"MARK={mark}".encode() in environment(int(entry.name)):
                found.append(int(entry.name))
    return sorted(found)


def is_asleep(pid: int, name: str) -> bool:
    """Return whether a process has this name, and sleeps."""
    try:
        beginning, _, rest = (PROC / str(pid) / "stat").read_text().rpartition(") ")
    except OSError:
        return False  # it has ended
    return beginning.endswith(f"({name}") and rest.startswith("S")


def inherited(pid: int) -> dict[str, object]:
    """Return everything that a process has inherited from its caller, and can see of itself."""
    base = PROC / str(pid)
    numbers = stat(pid)
    return {
        "pid": pid,
        **numbers,
        "children": children(pid),
        "command line": (base / "cmdline").read_bytes(),
        "name": (base / "comm").read_text().strip(),
        "executable": link(base / "exe"),
        "environment": environment(pid),
        "working directory": link(base / "cwd"),
        "root directory": link(base / "root"),
        "descriptors": descriptors(pid),
        "limits": (base / "limits").read_text(),
        "control group": (base / "cgroup").read_text(),
        "namespaces": sorted(link(space) for space in (base / "ns").iterdir()),
        "out-of-memory score": (base / "oom_score_adj").read_text().strip(),
        "core dump filter": (base / "coredump_filter").read_text().strip(),
        "timers": (base / "timers").read_text(),
        **{name: value for name, value in status(pid).items() if _STATUS.fullmatch(name)},
    }
