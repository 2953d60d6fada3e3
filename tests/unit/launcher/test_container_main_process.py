"""Which process counts as the first of a container."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from otel_tbot.launcher.container_main_process import is_container_main_process

if TYPE_CHECKING:
    from pathlib import Path

PARENT = 4711


@pytest.mark.parametrize(
    ("parent", "membership", "first"),
    [
        pytest.param(0, None, True, id="process 1, and the first one where a pod shares its PID namespace"),
        pytest.param(
            PARENT, "0::/../../system.slice/containerd.service\n", True, id="host's PID namespace, containerd"
        ),
        pytest.param(PARENT, "0::/../crio-conmon-5d41402a.scope\n", True, id="host's PID namespace, CRI-O"),
        pytest.param(PARENT, "4:memory:/../..\n0::/\n", True, id="version 1 and 2 of control groups"),
        pytest.param(PARENT, "0::/\n", False, id="a shell in the container"),
        pytest.param(PARENT, "0::/init.scope\n", False, id="an init in the container"),
        pytest.param(PARENT, "0::/user.slice/user-0.slice/a..b/../c.scope\n", False, id="a terminal of the host"),
        pytest.param(PARENT, "", False, id="no control groups"),
        pytest.param(PARENT, None, False, id="a hidden parent"),
        pytest.param(1, "0::/../../init.scope\n", False, id="a unit of systemd with a namespace of control groups"),
    ],
)
def test_first(
    parent: int, membership: str | None, first: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a process whose parent is outside of its container is the first."""
    monkeypatch.setattr(os, "getppid", lambda: parent)
    if membership is not None:
        (tmp_path / str(parent)).mkdir()
        (tmp_path / str(parent) / "cgroup").write_text(membership)
    assert is_container_main_process(str(tmp_path)) == first
