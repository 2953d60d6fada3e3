"""The example of a fleet works unchanged."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.integration.receiver.receiver_process import PROGRAM
from tests.support.collector import find_collector, free_ports
from tests.support.program import SOURCE

if TYPE_CHECKING:
    from pathlib import Path


def test_fleet(tmp_path: Path) -> None:
    """`run.sh` starts receiver and Collector, and three events go through both."""
    collector = find_collector()
    missing = [
        name for name, path in (("a Collector (OTELCOL)", collector), ("curl", shutil.which("curl"))) if not path
    ]
    if missing:
        reason = f"not found: {' and '.join(missing)}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    program = tmp_path / "otel-tbot"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {PROGRAM} "$@"\n')
    program.chmod(0o755)
    collectors, receivers = free_ports(2)
    variables = {"COLLECTOR_PORT": str(collectors), "RECEIVER_PORT": str(receivers), "OTELCOL": str(collector)}
    search = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    ended = subprocess.run(
        [SOURCE / "examples" / "fleet" / "run.sh"],
        env={"PATH": search, "PYTHONPATH": str(SOURCE), **variables},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=50,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (0, "three events acknowledged\n"), ended.stderr
    assert ended.stderr.count("session.id: Str(5f0c8a6e-8d0b-4c8e-9d0e-0a4f5f1f2b0") == 3
    assert "received=3 exported=3" in ended.stderr
