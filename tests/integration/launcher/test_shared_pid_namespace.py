"""In a container that shares a PID namespace, `run` is not process 1, but the container still ends with it."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.integration.launcher import procfs
from tests.integration.launcher.control_groups import ENTER, control_group, version_2
from tests.integration.launcher.processes import NOWHERE, RUN, RunningProcess
from tests.integration.launcher.test_pid1 import namespace
from tests.support.collector import wait_until
from tests.support.fake_tbot import shell_script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("_needs_proc")

ENVIRON = {**NOWHERE, "TELEPORT_ANONYMOUS_TELEMETRY": "1"}


@contextmanager
def pod_namespace() -> Iterator[list[str]]:
    """Yield the command prefix that starts a program in a pod's PID namespace, where process 1 is the pod's own."""
    with RunningProcess([*namespace(), "sleep", "60"], {}) as pod:
        wait_until(lambda: procfs.children(pod.pid), "the pod's process 1 runs")
        (pause,) = procfs.children(pod.pid)
        enter = ["nsenter", f"--target={pause}", "--pid", "--mount"]
        if "--user" in namespace():
            enter += ["--user", "--preserve-credentials"]
        yield enter


@contextmanager
def host_namespace() -> Iterator[list[str]]:
    """Yield the command prefix that starts a program in its own control group, as with the host's PID namespace."""
    with control_group(version_2()) as group:
        command = ["sh", "-c", ENTER, str(group), "unshare", "--cgroup"]
        if subprocess.run([*command, "true"], check=False, capture_output=True).returncode:
            pytest.skip("the system refuses a namespace of control groups")
        yield command


@pytest.mark.parametrize("container", [pod_namespace, host_namespace])
@pytest.mark.parametrize("started_by", ["the runtime", "a shell"])
def test_stays(container: Callable[[], AbstractContextManager[list[str]]], started_by: str, tmp_path: Path) -> None:
    """The first process stays as tbot's parent; one started by a process of the container becomes tbot."""
    shell = ["sh", "-c", '"$@"; exit', "sh"] if started_by == "a shell" else []
    tells_pid = ["sh", "-c", 'echo "$$"; exec "$@"', "sh"]
    tbot = shell_script(tmp_path, 'echo "$$ $PPID"')
    with container() as enter, RunningProcess([*enter, *shell, *tells_pid, *RUN, str(tbot), "start"], ENVIRON) as run:
        status, output, _ = run.finish()
        pid, tbots_pid, tbots_parent = output.split()
        assert status == 0
        assert pid == (tbots_parent if started_by == "the runtime" else tbots_pid)
