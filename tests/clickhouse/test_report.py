"""`otel-tbot report` reads a database like files: with all options, and one line for each error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.error import HTTPError

import pytest

from tests.clickhouse.mixed_starts import mixed
from tests.support import program
from tests.support.chdb_front import PASSWORD
from tests.support.clickhouse import ClickHouse

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

ALL = ("--at-least", "1")


def report(*arguments: str, password: str = PASSWORD) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return program.run("report", *arguments, environ={"CLICKHOUSE_PASSWORD": password})


@pytest.fixture(scope="session")
def lines() -> list[bytes]:
    """Return the lines of starts in three weeks."""
    return mixed(500, days=21)


@pytest.fixture(scope="session")
def database(server: ClickHouse, lines: list[bytes]) -> str:
    """Store the lines in a database, and return its address."""
    server.make_all("command")
    server.insert("command", lines)
    return server.address("command")


@pytest.fixture
def file(tmp_path: Path, lines: list[bytes]) -> str:
    """Write the lines to a file, and return its path."""
    path = tmp_path / "starts.jsonl"
    path.write_bytes(b"".join(text for text in lines if text.endswith(b"}\n")))  # not the truncated ones
    return str(path)


@pytest.mark.parametrize("form", ["text", "csv", "markdown", "json", "html"])
def test_forms(database: str, file: str, form: str) -> None:
    """Every output format is the same for a database as for a file, apart from the source and the lines left out."""
    assert lines_of("--format", form, database) == lines_of("--format", form, file)


@pytest.mark.parametrize("options", [("--since", "2026-06-10", "--until", "2026-06-15"), ("--by", "version")])
def test_options(database: str, file: str, options: tuple[str, ...]) -> None:
    """Options have the same effect."""
    assert lines_of(*options, database) == lines_of(*options, file)


def lines_of(*arguments: str) -> list[str]:
    """Return the lines of a report that do not depend on its source."""
    ended = report(*ALL, *arguments)
    assert (ended.returncode, ended.stderr) == (0, "")
    before, _, _ = ended.stdout.partition("Left out")  # followed by the source
    return [text for text in before.splitlines() if not _counts_left_out(text)]


def _counts_left_out(text: str) -> bool:
    names = ("unreadable_lines", "not_by_the_reference", "repeated", "implausible_time", "outside_period")
    return text.strip().startswith(tuple(f'"{name}"' for name in names))


def test_left_out(database: str) -> None:
    """The number of lines left out by the views is reported as unknown, not as 0."""
    document = json.loads(report("--format", "json", database).stdout)
    assert document["left_out"] == {
        "unreadable_lines": 0,
        "not_by_the_reference": None,
        "repeated": None,
        "implausible_time": None,
        "outside_period": None,
    }
    assert "Left out: what the ClickHouse views do not keep" in report(database).stdout


def test_parquet(database: str, file: str, tmp_path: Path) -> None:
    """The starts can be exported, and their report is that of the file."""
    kept = tmp_path / "kept.parquet"
    assert report("-o", str(kept), database).returncode == 0
    of_kept, of_file = (json.loads("".join(lines_of("--format", "json", source))) for source in (str(kept), file))
    assert of_kept["tables"] == of_file["tables"]


def test_read_only_user(tmp_path: Path, lines: list[bytes]) -> None:
    """A user who may only read and may change no setting gets the same report."""
    with ClickHouse(tmp_path / "data") as own:
        own.make_all("otel")
        own.insert("otel", lines)
        expected = report(*ALL, own.address("otel"))
        own.run("SET readonly = 1", "otel")
        with pytest.raises(HTTPError):
            own.run("SET max_execution_time = 1", "otel")
        ended = report(*ALL, own.address("otel"))
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, expected.stdout, "")
