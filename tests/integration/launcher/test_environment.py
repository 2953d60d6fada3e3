"""The environment and the arguments reach tbot as they reached `run`, byte for byte."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from tests.integration.launcher import procfs
from tests.integration.launcher.comparison import WAYS, compare
from tests.integration.launcher.processes import NOWHERE, RunningProcess, start
from tests.support.fake_tbot import WAITS, shell_script

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("_needs_proc")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "environ",
    [
        {"LANG": "C"},
        {"LANG": "C", "LC_CTYPE": "C"},
        {"LANG": "C", "LC_CTYPE": "C.UTF-8"},
        {"LC_ALL": "C"},
        {"PYTHONUTF8": "1"},
        {"LC_CTYPE": "POSIX", "PYTHONCOERCECLOCALE": "warn"},
        {"EMPTY": "", "TEXT": "line 1\nline 2", "BYTES": os.fsdecode(b"\xff\xc3\x28=\x80")},
    ],
    ids=" ".join,
)
def test_environment(way: str, environ: dict[str, str], tbot: Path) -> None:
    """The environment arrives byte for byte and in its order, also where Python has changed its own for a locale."""
    direct, seen = compare(way, tbot, environ)
    assert seen["environment"] == direct["environment"]


def test_locale_without_proc(tbot: Path) -> None:
    """What Python added for the locale C is gone also where the system does not show how the environment began."""
    hidden = "import builtins, sys\ndef fail(*_): raise FileNotFoundError\nbuiltins.open = fail\n"
    script = f"{hidden}from otel_tbot.launcher.run import run\nrun(sys.argv[1:])"
    with RunningProcess([sys.executable, "-c", script, str(tbot), "start"], {"LANG": "C"}) as started:
        names = {entry.partition(b"=")[0] for entry in procfs.environment(int(started.line()))}
    assert b"LANG" in names
    assert b"LC_CTYPE" not in names


@pytest.mark.parametrize("way", WAYS)
def test_arguments(way: str, tmp_path: Path) -> None:
    """The arguments arrive byte for byte, the name by which tbot was called among them."""
    shell_script(tmp_path, WAITS)
    arguments = ["", "--supervise", "--", "a b", os.fsdecode(b"\xff\xfe")]
    environ = {**NOWHERE, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    with start(way, "tbot", environ=environ, more=arguments) as started:
        pid = int(started.line())
        assert procfs.PROC.joinpath(str(pid), "cmdline").read_bytes().split(b"\0")[2:-1] == [
            b"start",
            *map(os.fsencode, arguments),
        ]
