"""Arguments of the form `@file`, which tbot replaces by the file's lines."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.unit.tbot.read_helpers import command, counts, refused, start

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("content", [
    "database\n--oneshot\n",
    "database\n--oneshot",
    "database\r\n--oneshot\r\n",
    "# a comment\ndatabase\n#another\n--oneshot\n",
    "--join-method\ndatabase\n",
    "--log-format=x\ndb\n-d\n",
])  # fmt: skip
def test_lines(tmp_path: Path, content: str) -> None:
    """The argument is replaced by the file's lines; lines that begin with `#` are skipped, as by kingpin."""
    (tmp_path / "arguments").write_text(content, newline="")
    lines = [line for line in content.splitlines() if not line.startswith("#")]

    assert start("@arguments") == start(*lines)


def test_whole_command_line(tmp_path: Path) -> None:
    """Even `start` may be in a file."""
    (tmp_path / "arguments").write_text("-d\nstart\ndatabase")

    assert counts(command("@arguments", "--oneshot")) == {"database": 1}


def test_value(tmp_path: Path) -> None:
    """The first line may be a flag's value."""
    (tmp_path / "value").write_text("github\n--oneshot\n")

    event = start("--join-method", "@value")

    assert (event.join_type, event.run_mode) == ("github", "one-shot")


@pytest.mark.parametrize("argument", ["--join-method=@value", "--"])
def test_no_file(tmp_path: Path, argument: str) -> None:
    """After `=` and after `--`, `@file` is an ordinary argument."""
    (tmp_path / "value").write_text("github\n")

    if argument == "--":
        assert "argument 3: not a subcommand" in refused("--", "@value")
    else:
        assert start(argument).join_type == "_OTHER"


def test_file_in_a_file(tmp_path: Path) -> None:
    """A file may name others."""
    (tmp_path / "one").write_text("@two\n--oneshot\n")
    (tmp_path / "two").write_text("database\n")

    assert start("@one") == start("database", "--oneshot")


def test_empty_file(tmp_path: Path) -> None:
    """An empty file adds no argument."""
    (tmp_path / "empty").write_text("")

    assert start("@empty", "db", "@empty") == start("db")
    assert start("--join-method", "@empty", "iam").join_type == "iam"


def test_empty_line(tmp_path: Path) -> None:
    """An empty line is an empty argument."""
    (tmp_path / "arguments").write_text("db\n\n")

    assert refused("@arguments").startswith("the command line, argument 2, line 2: unexpected argument")


def test_place(tmp_path: Path) -> None:
    """An error message names argument and line, but neither file nor text."""
    (tmp_path / "one").write_text("-d\n#\n@two")
    (tmp_path / "two").write_text("-d\n--Canary")

    assert refused("@one").startswith("the command line, argument 2, line 3, line 2: unknown flag; ")


def test_undecodable_bytes(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are decoded as on the command line."""
    (tmp_path / "arguments").write_bytes(b"db\n--destination\n\xff\n")

    assert start("@arguments") == start("db")


@pytest.mark.parametrize(("name", "why"), [
    ("missing", "does not exist"),
    ("", "does not exist"),
    (".", "is a directory"),
    ("/dev/zero", "is a device"),
    ("a\0b", "does not exist"),
])  # fmt: skip
def test_unreadable(name: str, why: str) -> None:
    """A file that cannot be read is rejected, and its name is not repeated."""
    message = refused("-d", f"@{name}")

    assert message == (
        f"the command line, argument 3: the argument file {why};"
        " name up to 100 readable files of 1048576 bytes together, each written @FILE"
    )


def test_endless(tmp_path: Path) -> None:
    """A file that includes itself is rejected."""
    (tmp_path / "arguments").write_text("-d\n@arguments\n")

    assert "the argument file is one too many" in refused("@arguments")


def test_many_files(tmp_path: Path) -> None:
    """Too many files are rejected."""
    (tmp_path / "empty").write_text("")
    (tmp_path / "many").write_text("@empty\n" * 100_000)

    began = time.monotonic()
    assert "the argument file is one too many" in refused("@many")
    assert time.monotonic() - began < 10


def test_large(tmp_path: Path) -> None:
    """The size of all files together is limited."""
    (tmp_path / "half").write_text("#" * 600_000)

    assert start("@half") == start()
    assert "argument 3: the argument file is larger than 448576 bytes" in refused("@half", "@half")
