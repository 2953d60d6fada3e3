"""A report opens no connection, leaves no file, and escapes hostile texts."""

from __future__ import annotations

import csv
import io
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.program import SOURCE, run
from tests.support.stored_starts import line

if TYPE_CHECKING:
    from tests.integration.report.conftest import RunHere

CONTENT = b"".join(line(version="18.2.3", join_type="github") for _ in range(30))
FORMS = ["text", "json", "csv", "markdown"]
WITH_PAGE = [*FORMS, "html"]
PROGRAM = """
import sys
sys.path.insert(0, {source!r})
seen = []
sys.addaudithook(lambda name, arguments: seen.append(name) if name.startswith("socket.") else None)
from otel_tbot.cli.commands import run_command_line
status = run_command_line(["report", "--format", {form!r}, {file!r}])
sys.exit(str(seen) if seen else status)
"""
HOSTILE = [
    "=HYPERLINK(1)",
    "+1",
    "@SUM(A1)",
    "<script>alert(1)</script>",
    "\x1b[31mred\x1b[0m",
    "[bold]x[/]",
    "|x|",
    "\u202ex",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Create a folder with one file of starts, and an empty one for temporary files."""
    (tmp_path / "starts.jsonl").write_bytes(CONTENT)
    (tmp_path / "tmp").mkdir()
    return tmp_path


def files(folder: Path) -> set[str]:
    """Return everything in a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("form", WITH_PAGE)
def test_no_socket(folder: Path, form: str) -> None:
    """No output format needs a socket."""
    program = PROGRAM.format(source=str(SOURCE), form=form, file=str(folder / "starts.jsonl"))
    ended = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.fixture(scope="module")
def without_network() -> list[str]:
    """Return the command prefix that runs a program without any network; skip where the system does not allow it."""
    command = [shutil.which("unshare") or "", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    if not command[0]:
        pytest.skip("unshare is not installed")
    attempt = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    if attempt.returncode:
        pytest.skip(f"the system refuses a network namespace: {attempt.stderr.strip()}")
    return command


@pytest.mark.parametrize("form", WITH_PAGE)
def test_no_network(folder: Path, without_network: list[str], form: str) -> None:
    """Without any network, for C code too, the report is the same and leaves no file."""
    command = [sys.executable, "-m", "otel_tbot", "report", "--format", form, "starts.jsonl"]
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), "TMPDIR": str(folder / "tmp")}
    before = files(folder)
    usual, alone = (
        subprocess.run([*prefix, *command], cwd=folder, env=environ, capture_output=True, check=False)
        for prefix in ([], without_network)
    )
    assert (alone.returncode, alone.stdout, alone.stderr) == (0, usual.stdout, b"")
    assert alone.stdout
    assert files(folder) == before


@pytest.mark.parametrize("form", WITH_PAGE)
def test_nothing_left(folder: Path, form: str) -> None:
    """A report leaves no new file, in any working directory."""
    before = files(folder)
    ended = run("report", "--format", form, "starts.jsonl", environ={"TMPDIR": str(folder / "tmp")}, cwd=folder)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert files(folder) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_left_after_a_signal(folder: Path, number: int) -> None:
    """A report that is ended by a signal removes its private folder, and prints nothing."""
    os.mkfifo(folder / "pipe")
    command = [sys.executable, "-m", "otel_tbot", "report", "pipe"]
    environ = {**os.environ, "TMPDIR": str(folder / "tmp"), "PYTHONPATH": str(SOURCE)}
    process = subprocess.Popen(command, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with (folder / "pipe").open("wb") as pipe:
        pipe.write(CONTENT)
        pipe.flush()
        deadline = time.monotonic() + 20
        while not any(name.endswith("copy-0") for name in files(folder / "tmp")) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.5)  # until it waits for the next line: Python misses a signal between two system calls
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (128 + number, b"", b"")
    assert files(folder / "tmp") == set()


def test_output(folder: Path) -> None:
    """The suffix decides the format; an existing file keeps its mode, and a link stays a link."""
    (folder / "real.json").write_text("old")
    (folder / "real.json").chmod(0o640)
    (folder / "report.json").symlink_to("real.json")
    ended = run("report", "starts.jsonl", "-o", "report.json", cwd=folder)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert (folder / "report.json").is_symlink()
    assert (folder / "real.json").read_text().startswith('{\n "format": "otel-tbot/report/1"')
    assert stat.S_IMODE((folder / "real.json").stat().st_mode) == 0o640


def test_unwritable_output(folder: Path) -> None:
    """A result that cannot be written gives status 1 and one line, and leaves no file."""
    before = files(folder)
    ended = run("report", "starts.jsonl", "-o", "no/such/report.json", cwd=folder)
    expected = "otel-tbot: the result could not be written: No such file or directory\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", expected)
    assert files(folder) == before


@pytest.mark.parametrize("form", WITH_PAGE)
def test_full_disk(folder: Path, form: str) -> None:
    """A full disk is reported in one line."""
    command = [sys.executable, "-m", "otel_tbot", "report", "--format", form, str(folder / "starts.jsonl")]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(command, cwd=SOURCE, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    expected = "otel-tbot: the result could not be written: No space left on device\n"
    assert (ended.returncode, ended.stderr) == (1, expected)


@pytest.mark.parametrize(
    ("added", "status"),
    [
        (b"", 0),
        (b"cut", 1),
        (line(run_mode="both"), 1),
        (line(time=datetime(1999, 1, 1, tzinfo=timezone.utc)), 1),
        (CONTENT, 0),
        (line(time=datetime(2026, 5, 1, tzinfo=timezone.utc)), 0),
    ],
    ids=["nothing", "unreadable", "not allowed", "impossible time", "repeated", "outside the period"],
)
def test_strict(folder: Path, run_here: RunHere, added: bytes, status: int) -> None:
    """With --strict, the report is made and the exit status is 1 if something was left out; without it, 0."""
    (folder / "starts.jsonl").write_bytes(CONTENT + added)
    options = ("--since", "2026-06-01", "--format", "csv", "starts.jsonl")
    assert run_here("report", *options).returncode == 0
    ended = run_here("report", "--strict", *options)
    assert (ended.returncode, ended.stdout[:9]) == (status, "dimension")


@pytest.mark.parametrize("form", FORMS)
def test_hostile_texts(folder: Path, form: str) -> None:
    """Markup, formulas and control characters in stored values are never in the output."""
    starts = [
        line(
            version=text,
            join_type=text,
            helper=text,
            helper_version=text,
            resource={"os.type": text, "host.arch": text},
        )
        for text in HOSTILE
        for _ in range(20)
    ]
    (folder / "starts.jsonl").write_bytes(b"".join(starts))
    ended = run("report", "--format", form, "--at-least", "1", "starts.jsonl", cwd=folder)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert not [text for text in HOSTILE if text in ended.stdout]
    assert "\x1b" not in ended.stdout
    if form == "csv":
        cells = [cell for row in csv.reader(io.StringIO(ended.stdout)) for cell in row]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


def test_hostile_name(folder: Path) -> None:
    """A name with control characters is printed on one line, without them."""
    ended = run("report", "no\n\x1b[31m.jsonl", cwd=folder)
    assert ended.stderr == "otel-tbot: no \\x1b[31m.jsonl cannot be read: No such file or directory\n"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--memory", "much"], "--memory must be a size such as 512MB or 2GB, not much"),
        (["--since", "soon"], "'soon' is neither a date, an ISO time nor an age such as 30d, 12h or 4w"),
        (["--by", "color"], "'color' is not one of"),
        (["--at-least", "0"], "0 is not in the range x>=1"),
    ],
)
def test_bad_option(folder: Path, options: list[str], expected: str) -> None:
    """An invalid option gives status 2 and one line."""
    ended = run("report", *options, "starts.jsonl", cwd=folder)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert expected in ended.stderr
