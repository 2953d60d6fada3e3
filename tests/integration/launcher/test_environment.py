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
from tests.support.fake_tbot import VERSION, WAITS, shell_script

if TYPE_CHECKING:
    from pathlib import Path

    from otel_tbot.testing import OTLPReceiver

ON = {"TELEPORT_ANONYMOUS_TELEMETRY": "1"}
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
    """The environment arrives byte for byte and in its order, even where Python has changed its own for a locale."""
    direct, seen = compare(way, tbot, environ)
    assert seen["environment"] == direct["environment"]


def test_locale_without_proc(tbot: Path) -> None:
    """Python's addition for the locale C is removed even where the system does not show the original environment."""
    hidden = "import builtins, sys\ndef fail(*_): raise FileNotFoundError\nbuiltins.open = fail\n"
    script = f"{hidden}from otel_tbot.launcher.run import run\nrun(sys.argv[1:])"
    with RunningProcess([sys.executable, "-c", script, str(tbot), "start"], {"LANG": "C"}) as started:
        names = {entry.partition(b"=")[0] for entry in procfs.environment(int(started.line()))}
    assert b"LANG" in names
    assert b"LC_CTYPE" not in names


@pytest.mark.parametrize("way", WAYS)
def test_arguments(way: str, tmp_path: Path) -> None:
    """The arguments arrive byte for byte, including the name by which tbot was called."""
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


# Variables that operators set for all Python programs, and some that break them.
PYTHON_VARIABLES = {
    "PYTHONPATH": "{folder}",
    "PYTHONHOME": "/nowhere",
    "PYTHONPLATLIBDIR": "nowhere",
    "PYTHONSTARTUP": "/nowhere",
    "PYTHONINSPECT": "1",
    "PYTHONWARNINGS": "error",
    "PYTHONCASEOK": "1",
    "PYTHONIOENCODING": "canary",
    "PYTHONUSERBASE": "{folder}",
    "PYTHONBREAKPOINT": "canary.canary",
}


@pytest.mark.parametrize("names", [*([name] for name in PYTHON_VARIABLES), list(PYTHON_VARIABLES)], ids=" ".join)
def test_isolated(names: list[str], tmp_path: Path, receiver: OTLPReceiver) -> None:
    """`python -I -m otel_tbot run` starts tbot and reports it under any Python variable, and passes the variable on."""
    for module in ("sitecustomize", "usercustomize", "os", "otel_tbot", "yaml", "requests"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit('canary')")
    environ = {name: PYTHON_VARIABLES[name].format(folder=tmp_path) for name in names}
    tbot = shell_script(tmp_path / "bin", "env")
    command = [sys.executable, "-I", "-m", "otel_tbot", "run", str(tbot), "start"]
    variables = {**environ, **ON, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint, "PATH": os.environ["PATH"]}
    ended = subprocess.run(command, env=variables, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert {f"{name}={value}" for name, value in environ.items()} <= set(ended.stdout.splitlines())
    receiver.wait_for_requests(1, timeout=30)
    assert receiver.log_records[0].attributes["tbot.version"] == VERSION
