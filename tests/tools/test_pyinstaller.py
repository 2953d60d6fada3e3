"""A program frozen by PyInstaller behaves like `otel-tbot`."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import sysconfig
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import program
from tests.support.fake_tbot import VERSION, shell_script
from tests.support.otlp_environment import otlp_variables

if TYPE_CHECKING:
    from otel_tbot.testing import OTLPReceiver

pytest.importorskip("PyInstaller", reason="PyInstaller is a development dependency")
pytestmark = pytest.mark.timeout(300)  # freezing takes some 20 s of processor time

# Large, and only for `report`.
LEFT_OUT = ("duckdb", "jinja2", "rich", "vl_convert")
CONFIGURATION = "version: v2\nonboarding:\n  join_method: github\nservices:\n  - type: identity\n"


@pytest.fixture(scope="session")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Freeze the program as docs/how-to/pyinstaller.md says, once for all workers of this run."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    made = shared / "frozen" / "dist" / "otel-tbot" / "otel-tbot"
    with (shared / "frozen.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            _freeze(shared / "frozen")
    return made


def _freeze(folder: Path) -> None:
    library = [sysconfig.get_config_var(name) or "" for name in ("LIBDIR", "INSTSONAME")]
    if sysconfig.get_config_var("Py_ENABLE_SHARED") and not Path(*library).exists():
        pytest.skip("the shared library of this Python, which PyInstaller needs, is not installed")
    folder.mkdir()
    (folder / "otel-tbot.py").write_text("from otel_tbot.__main__ import main\n\nmain()\n")
    excluded = [word for name in LEFT_OUT for word in ("--exclude-module", name)]
    command = [sys.executable, "-m", "PyInstaller", "--log-level", "ERROR", *excluded, "otel-tbot.py"]
    environ = {"PATH": os.environ["PATH"], "PYINSTALLER_CONFIG_DIR": str(folder / "cache")}
    subprocess.run(command, cwd=folder, env=environ, check=True, timeout=280)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a tbot that prints its pid and its variables, and a configuration."""
    (tmp_path / "tbot.yaml").write_text(CONFIGURATION)
    shell_script(tmp_path, 'echo $$; env | grep -v "^_=" | sort; exit 7')
    return tmp_path


def start(
    frozen: Path, folder: Path, *arguments: str, environ: dict[str, str] | None = None
) -> tuple[int, int, str, str]:
    """Run the program, and return its pid, its exit status, its stdout and its stderr."""
    variables = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", **(environ or {})}
    with subprocess.Popen(
        [frozen, *arguments], env=variables, cwd=folder, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as started:  # fmt: skip
        output, errors = started.communicate(timeout=60)
    return started.pid, started.returncode, output, errors


def test_preview(frozen: Path, folder: Path) -> None:
    """`preview` shows the same as without PyInstaller."""
    words = ("preview", "--format", "json", "tbot", "start", "-c", "tbot.yaml")
    _, status, output, errors = start(frozen, folder, *words)
    elsewhere = program.run(*words, path=folder, cwd=folder)
    assert (status, errors) == (0, elsewhere.stderr)
    assert _records(output) == _records(elsewhere.stdout)
    assert VERSION in output


def _records(request: str) -> list[object]:
    (resource,) = json.loads(request)["resourceLogs"]
    (scope,) = resource["scopeLogs"]
    return [scope["scope"], [record["attributes"] for record in scope["logRecords"]]]


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_emit(frozen: Path, folder: Path, receiver: OTLPReceiver, protocol: str) -> None:
    """`emit` sends the event over each protocol."""
    environ = {"TELEPORT_ANONYMOUS_TELEMETRY": "1", **otlp_variables(receiver, protocol)}
    _, status, _, errors = start(frozen, folder, "emit", "tbot", "start", "-c", "tbot.yaml", environ=environ)
    assert (status, len(errors.splitlines())) == (0, 1), errors
    assert receiver.log_records[0].attributes["tbot.join_type"] == "github"


@pytest.mark.parametrize("words", [("status",), ("schema",), ("schema", "--format", "json"), ("--help",)], ids=" ".join)
def test_same_output(frozen: Path, folder: Path, words: tuple[str, ...]) -> None:
    """The other commands print the same as without PyInstaller."""
    _, status, output, errors = start(frozen, folder, *words)
    elsewhere = program.run(*words)
    assert (status, output, errors) == (elsewhere.returncode, elsewhere.stdout, elsewhere.stderr)


def test_demo(frozen: Path, folder: Path) -> None:
    """`demo`, which starts another process of ours, works."""
    _, status, output, errors = start(frozen, folder, "demo")
    assert (status, len(errors.splitlines())) == (0, 1), errors
    assert "What arrived:" in output


@pytest.mark.parametrize("environ", [{}, {"LD_LIBRARY_PATH": "/nowhere"}], ids=["unset", "set"])
def test_run_off(frozen: Path, folder: Path, environ: dict[str, str]) -> None:
    """`run` replaces the program by tbot, which gets exactly the program's variables."""
    pid, status, output, errors = start(frozen, folder, "run", "tbot", "start", environ=environ)
    _, _, directly, _ = start(folder / "tbot", folder, "start", environ=environ)
    assert (status, errors) == (7, "")
    assert output.splitlines() == [str(pid), *directly.splitlines()[1:]]


@pytest.mark.parametrize("options", [(), ("--supervise",)], ids=str)
def test_run_on(frozen: Path, folder: Path, receiver: OTLPReceiver, options: tuple[str, ...]) -> None:
    """With consent, `run` sends the event, with and without supervision."""
    environ = {
        "TELEPORT_ANONYMOUS_TELEMETRY": "1",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "30",
        **otlp_variables(receiver),
    }
    _, status, _, errors = start(frozen, folder, "run", *options, "tbot", "start", environ=environ)
    assert (status, len(errors.splitlines())) == (7, 1), errors
    receiver.wait_for_requests(1, timeout=40)
    assert receiver.log_records[0].attributes["tbot.version"] == VERSION


def test_hook_is_found() -> None:
    """The entry point names the folder of the hook."""
    folders = [
        found.load()() for found in entry_points(group="pyinstaller40") if found.module == "otel_tbot.pyinstaller"
    ]
    ((folder,),) = folders
    assert [path.name for path in Path(folder).glob("hook-*.py")] == ["hook-otel_tbot.py"]
