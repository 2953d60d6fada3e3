"""The memory and tasks that a control group has left are read in either version, and inside a container."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import pytest

from otel_tbot.launcher.cgroup_limits import read_headroom

if TYPE_CHECKING:
    from pathlib import Path

V2 = {
    "memory.max": "100",
    "memory.current": "70",
    "memory.stat": "anon 3\ninactive_file 20\n",
    "pids.max": "16",
    "pids.current": "5",
    "cpu.max": "100000 100000",
}
UNLIMITED_V2 = {
    "memory.max": "max",
    "memory.current": "7",
    "pids.max": "max",
    "pids.current": "5",
    "cpu.max": "max 100000",
}
NOTHING = (inf, inf, False)


def headroom(root: Path, membership: str) -> tuple[float, float, bool]:
    """Read the headroom of a process with these memberships."""
    (root / "self").write_text(membership)
    found = read_headroom(str(root), str(root / "self"))
    return found.memory, found.tasks, found.cpu_limited


def group(root: Path, path: str, files: dict[str, str]) -> None:
    """Create a control group."""
    (root / path).mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (root / path / name).write_text(f"{text}\n")


def test_version_2(tmp_path: Path) -> None:
    """The headroom is the limits of the group less its use; memory that the kernel can reclaim counts as left."""
    group(tmp_path, "pod/tbot", V2)
    assert headroom(tmp_path, "0::/pod/tbot\n") == (50, 11, True)


def test_version_1(tmp_path: Path) -> None:
    """Each controller has its own hierarchy."""
    group(tmp_path, "memory/a", {"memory.limit_in_bytes": "100", "memory.usage_in_bytes": "70"})
    group(tmp_path, "memory/a", {"memory.stat": "inactive_file 1\ntotal_inactive_file 20"})
    group(tmp_path, "pids/b", {"pids.max": "16", "pids.current": "5"})
    group(tmp_path, "cpu/c", {"cpu.cfs_quota_us": "10000"})
    membership = "12:pids:/b\n5:cpuacct,cpu:/c\n4:memory:/a\n1:name=systemd:/x\n"
    assert headroom(tmp_path, membership) == (50, 11, True)


def test_unlimited(tmp_path: Path) -> None:
    """Without a limit, the headroom is infinite."""
    group(tmp_path, "a", UNLIMITED_V2)
    group(tmp_path, "cpu", {"cpu.cfs_quota_us": "-1"})
    assert headroom(tmp_path, "0::/a\n3:cpu:/\n") == NOTHING


def test_parents(tmp_path: Path) -> None:
    """A limit of any parent group counts, too."""
    group(tmp_path, "pod", {**V2, "pids.max": "8"})
    group(tmp_path, "pod/tbot", UNLIMITED_V2)
    assert headroom(tmp_path, "0::/pod/tbot\n") == (50, 3, True)


@pytest.mark.parametrize("path", ["/", "/kubepods/pod7/tbot", "/../../other"])
def test_container(tmp_path: Path, path: str) -> None:
    """Inside a container the group may be the root of the mount, regardless of its name outside."""
    group(tmp_path, ".", V2)
    assert headroom(tmp_path, f"0::{path}\n") == (50, 11, True)


@pytest.mark.parametrize("membership", ["", "\n", "canary", "0::", "::::", "0::/\x7f"])
def test_unreadable_membership(tmp_path: Path, membership: str) -> None:
    """An unreadable membership counts as no limit."""
    assert headroom(tmp_path, membership) == NOTHING


@pytest.mark.parametrize("text", ["", "-5", "1e9", "canary", "1 2"])
def test_unreadable_limit(tmp_path: Path, text: str) -> None:
    """A file without a plain number counts as no limit."""
    group(tmp_path, ".", {"memory.max": text, "pids.max": text})
    assert headroom(tmp_path, "0::/\n") == NOTHING


def test_no_control_groups(tmp_path: Path) -> None:
    """Without control groups, as on macOS, there is no limit."""
    assert (read_headroom(str(tmp_path), str(tmp_path / "self")).memory) == inf
