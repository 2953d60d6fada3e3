"""`otel-tbot report` asks a database as it reads files: all options, and one line for each thing that can go wrong."""

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


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    """Return starts of three weeks."""
    return mixed(500, days=21)


@pytest.fixture(scope="module")
def database(server: ClickHouse, lines: list[bytes]) -> str:
    """Store them, and return the address."""
    server.make_all("command")
    server.insert("command", lines)
    return server.address("command")


@pytest.fixture
def file(tmp_path: Path, lines: list[bytes]) -> str:
    """Write them to a file."""
    path = tmp_path / "starts.jsonl"
    path.write_bytes(b"".join(text for text in lines if text.endswith(b"}\n")))  # not those that were cut
    return str(path)


@pytest.mark.parametrize("form", ["text", "csv", "markdown", "json", "html"])
def test_forms(database: str, file: str, form: str) -> None:
    """Every form of a database's report is that of the file, apart from what was left out and where it came from."""
    assert lines_of("--format", form, database) == lines_of("--format", form, file)


@pytest.mark.parametrize("options", [("--since", "2026-06-10", "--until", "2026-06-15"), ("--by", "version")])
def test_options(database: str, file: str, options: tuple[str, ...]) -> None:
    """Options mean the same."""
    assert lines_of(*options, database) == lines_of(*options, file)


def lines_of(*arguments: str) -> list[str]:
    """Return the lines of a report that do not depend on where it came from."""
    ended = report(*ALL, *arguments)
    assert (ended.returncode, ended.stderr) == (0, "")
    before, _, _ = ended.stdout.partition("Left out")  # then comes where it is from
    return [text for text in before.splitlines() if not _counts_left_out(text)]


def _counts_left_out(text: str) -> bool:
    names = ("unreadable_lines", "not_by_the_reference", "repeated", "implausible_time", "outside_period")
    return text.strip().startswith(tuple(f'"{name}"' for name in names))


def test_left_out(database: str) -> None:
    """What the views did not keep is not known, and is not said to be nothing."""
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
    """The starts themselves can be kept, and give the report of the file."""
    kept = tmp_path / "kept.parquet"
    assert report("-o", str(kept), database).returncode == 0
    of_kept, of_file = (json.loads("".join(lines_of("--format", "json", source))) for source in (str(kept), file))
    assert of_kept["tables"] == of_file["tables"]


def test_read_only_user(tmp_path: Path, lines: list[bytes]) -> None:
    """A user that may only read, and may set nothing, gets the same report."""
    with ClickHouse(tmp_path / "data") as own:
        own.make_all("otel")
        own.insert("otel", lines)
        expected = report(*ALL, own.address("otel"))
        own.run("SET readonly = 1", "otel")
        with pytest.raises(HTTPError):
            own.run("SET max_execution_time = 1", "otel")
        # Another time than the engine has from the report above, which it would not take.
        ended = report(*ALL, "--timeout", "30", own.address("otel"))
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, expected.stdout, "")
