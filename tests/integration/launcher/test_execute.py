"""Execution of tbot, and the statuses of a shell where it fails."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.integration.launcher.processes import NOWHERE, RUN, WITH_SENDER, RunningProcess, start

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = "#!/bin/sh\nexit 23\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with every kind of file that may be named tbot."""
    place = tmp_path / "folder"
    for name, content, mode in [
        ("script", SCRIPT, 0o755),
        ("bare-script", "exit 23\n", 0o755),
        ("not-executable", SCRIPT, 0o644),
        ("no-interpreter", "#!/no/such/interpreter\n", 0o755),
        ("foreign-program", "\0foreign\0", 0o755),
        ("empty", "", 0o755),
    ]:
        path = place / name / "tbot"
        path.parent.mkdir(parents=True)
        path.write_text(content)
        path.chmod(mode)
    (place / "directory" / "tbot").mkdir(parents=True)
    (place / "dangling").mkdir()
    (place / "dangling" / "tbot").symlink_to("nowhere")
    (place / "nothing").mkdir()
    return place


KINDS = [
    ("script", 23),
    ("bare-script", 23),
    ("not-executable", 126),
    ("no-interpreter", 127),
    ("foreign-program", 126),
    ("empty", 0),
    ("directory", 126),
    ("dangling", 127),
    ("nothing", 127),
]


@pytest.mark.parametrize("way", ["off", *WITH_SENDER])
@pytest.mark.parametrize(("kind", "status"), KINDS)
def test_path(folder: Path, kind: str, status: int, way: str) -> None:
    """A path is executed directly; if that fails, the status is a shell's, and one line says why."""
    path = f"folder/{kind}/tbot"
    shell = subprocess.run(["sh", "-c", f"{path} start"], cwd=folder.parent, check=False, capture_output=True)
    with start(way, path, environ=NOWHERE, cwd=folder.parent) as started:
        ended, output, errors = started.finish()
    assert ended == status == shell.returncode
    our_errors = [line for line in errors.splitlines() if "this start" not in line]
    assert output == ""
    assert len(our_errors) == (status in {126, 127})
    assert all(line.startswith("otel-tbot: ") and path in line for line in our_errors)


@pytest.mark.parametrize(
    ("search", "status"),
    [
        (["nothing", "script"], 23),
        (["not-executable", "script"], 23),
        (["directory", "script"], 23),
        (["not-executable", "nothing"], 126),
        (["directory", "nothing"], 127),
        (["dangling", "nothing"], 127),
        ([], 127),
    ],
    ids=str,
)
def test_name(folder: Path, search: list[str], status: int) -> None:
    """A name is searched for on PATH, skipping files that are not executable, like a shell does."""
    places = ":".join(str(folder / place) for place in search) or "/nowhere"
    with RunningProcess([*RUN, "tbot", "start"], {"PATH": places}) as started:
        ended, _, errors = started.finish()
    assert ended == status
    assert len(errors.splitlines()) == (status in {126, 127})


def test_empty_entry_of_path(folder: Path) -> None:
    """An empty entry of PATH is the working directory."""
    with RunningProcess([*RUN, "tbot", "start"], {"PATH": "/nowhere:"}, cwd=folder / "script") as started:
        assert started.finish()[0] == 23


def test_no_path() -> None:
    """Without PATH, the system's usual folders are searched."""
    command = ["env", "-u", "PATH", *RUN, "true"]
    with RunningProcess(command, {}) as started:
        assert started.finish() == (0, "", "")


def test_unprintable_name() -> None:
    """An error about a name that is not text, or has several lines, is one line of text."""
    with RunningProcess([*RUN, "no\nsuch\x1b " + os.fsdecode(b"\xff")], {}) as started:
        status, _, errors = started.finish()
    assert (status, len(errors.splitlines())) == (127, 1)


@pytest.mark.parametrize("words", [[], ["--no-such-option", "tbot"], ["--timeout", "x", "tbot"]], ids=" ".join)
def test_usage_error(words: list[str]) -> None:
    """A usage error gives one line and status 2, and tbot does not run."""
    with RunningProcess([*RUN, *words], {}) as started:
        status, output, errors = started.finish()
    assert (status, output, len(errors.splitlines())) == (2, "", 1)
    assert errors.endswith("See 'otel-tbot run --help'.\n")
