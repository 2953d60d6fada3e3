"""What a program made by PyInstaller does differently."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from otel_tbot.frozen_program import RUN_MODULE, is_one_file, restore_environment
from otel_tbot.isolated_python import python_command
from tests.support.fake_tbot import shell_script
from tests.support.program import SOURCE


@pytest.mark.parametrize("before", [None, "", "/a:/b"])
def test_environment(before: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The search path for libraries becomes what it was, and the boot loader's own variables go."""
    given = {"OTHER": "1", "_PY": "2", **({} if before is None else {"LD_LIBRARY_PATH": before})}
    added = {"_PYI_ARCHIVE_FILE": "/opt/x", "_PYI_PARENT_PROCESS_LEVEL": "1", "LD_LIBRARY_PATH": "/opt/_internal"}
    kept = {} if before is None else {"LD_LIBRARY_PATH_ORIG": before}
    with monkeypatch.context() as patched:
        for name in os.environ:
            patched.delenv(name)
        for name, value in {**given, **added, **kept}.items():
            patched.setenv(name, value)
        restore_environment()
        assert dict(os.environ) == given


@pytest.mark.parametrize(
    ("folder", "unpacked"), [(None, False), ("/opt/otel-tbot/_internal", False), ("/tmp/_MEIx", True)]
)
def test_unpacked(folder: str | None, monkeypatch: pytest.MonkeyPatch, *, unpacked: bool) -> None:
    """A folder beside the program stays, and any other was made for this run."""
    monkeypatch.setattr(sys, "executable", "/opt/otel-tbot/otel-tbot")
    monkeypatch.setattr(sys, "_MEIPASS", folder, raising=False)
    assert is_one_file() == unpacked


def test_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no interpreter, the program itself runs a module of ours."""
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert python_command("otel_tbot.__main__", "status") == [
        sys.executable,
        RUN_MODULE,
        "otel_tbot.__main__",
        "status",
    ]


@pytest.mark.parametrize("frozen", [True, False])
def test_word_for_a_module(*, frozen: bool) -> None:
    """It does so for that word, which means nothing in any other program."""
    ended = _python(f"sys.frozen = {frozen}", RUN_MODULE, "otel_tbot.__main__", "--version")
    assert (ended.returncode, ended.stdout.startswith("otel-tbot ")) == ((0, True) if frozen else (2, False))


@pytest.mark.parametrize(
    ("folder", "stays"), [("/nowhere/_MEIx", True), (str(Path(sys.executable).with_name("_internal")), False)]
)
def test_run(tmp_path: Path, folder: str, *, stays: bool) -> None:
    """A program of one file stays as tbot's parent: at its end the sender would lose its modules."""
    path = shell_script(tmp_path, "echo $PPID")
    environ = {
        "TELEPORT_ANONYMOUS_TELEMETRY": "1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "0.1",  # seconds; a parent waits for the sender
    }
    ended = _python(
        f"sys.frozen = True; sys._MEIPASS = {folder!r}; print(os.getpid(), flush=True)",
        "run",
        str(path),
        "start",
        **environ,
    )
    ours, parent = ended.stdout.split()
    assert (parent == ours) == stays


def _python(prepare: str, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    code = f"import os, sys; {prepare}; from otel_tbot.__main__ import main; main(*{words!r})"
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), **environ}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=50, check=False)
