"""The environment and the arguments reach tbot as they reached `run`, byte for byte."""

from __future__ import annotations

import os
import subprocess
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


@pytest.fixture(scope="module", params=["ja_JP.EUC-JP", "ko_KR.EUC-KR", "zh_TW.BIG5", "ja_JP.SHIFT_JIS"])
def locale(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Build a locale whose encoding is not UTF-8, and return the variables that select it."""
    folder = tmp_path_factory.mktemp("locales")
    language, _, charset = request.param.partition(".")
    command = ["localedef", "-c", "-i", language, "-f", charset, str(folder / request.param)]
    try:
        subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("localedef is not installed")
    if not (folder / request.param).exists():
        pytest.skip("the definitions of locales are not installed (Debian: locales)")
    return {"LOCPATH": str(folder), "LC_ALL": request.param}


@pytest.mark.parametrize("way", WAYS)
def test_arguments_in_other_encodings(way: str, tmp_path: Path, locale: dict[str, str]) -> None:
    """The arguments arrive byte for byte in locales that cannot encode them."""
    shell_script(tmp_path, WAITS)
    arguments = [b"\xe2\x82\xac", b"\\\x7e", b"\xa4\xa2", b"\xff\x8f", b"\x81\x5c"]
    environ = {**NOWHERE, **locale, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    with start(way, "tbot", environ=environ, more=list(map(os.fsdecode, arguments))) as started:
        pid = int(started.line())
        assert procfs.PROC.joinpath(str(pid), "cmdline").read_bytes().split(b"\0")[3:-1] == arguments
        started.process.terminate()
