"""A report counts the stored starts exactly, in any file format."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from otel_tbot.report.compute import compute_figures
from otel_tbot.report.duckdb_store import read_starts
from otel_tbot.report.store import Period
from tests.support.program import SOURCE, run
from tests.support.stored_starts import Truth, generate
from tests.support.zstd import zstd

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RECORDS = 20_000


@pytest.fixture(scope="session")
def generated() -> tuple[bytes, Truth]:
    """Generate one set of lines for all tests of this module."""
    truth = Truth()
    return b"".join(generate(RECORDS, truth)), truth


def assert_true(document: Any, truth: Truth) -> None:  # noqa: ANN401  JSON
    """Compare every count."""
    assert document["starts"] == truth.totals()
    assert document["left_out"] == {
        "unreadable_lines": truth.unreadable,
        "not_by_the_reference": truth.invalid,
        "repeated": truth.repeated,
        "implausible_time": truth.implausible,
        "outside_period": 0,
    }
    for dimension, expected in (("version", truth.starts), ("join_type", truth.join_types)):
        rows = document["tables"][dimension]["rows"]
        counted = {(row["value"], mode): row[mode] for row in rows for mode in ("one-shot", "daemon") if row[mode]}
        assert counted == dict(expected)


def halves(content: bytes) -> tuple[bytes, bytes]:
    """Split lines into two files."""
    middle = content.index(b"\n", len(content) // 2) + 1
    return content[:middle], content[middle:]


FORMS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "zstd": zstd,
    "several gzip members": lambda content: b"".join(map(gzip.compress, halves(content))),
    "several zstd frames": lambda content: b"".join(map(zstd, halves(content))),
    "CRLF": lambda content: content.replace(b"\n", b"\r\n"),
    "byte order mark": lambda content: b"\xef\xbb\xbf" + content,
    "no line break at the end": lambda content: content.removesuffix(b"\n"),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(tmp_path: Path, generated: tuple[bytes, Truth], form: str) -> None:
    """The counts are the same in each file format, which is recognized by its content."""
    content, truth = generated
    file = tmp_path / "starts"
    file.write_bytes(FORMS[form](content))
    ended = run("report", "--at-least", "1", "--format", "json", str(file))
    assert ended.returncode == 0
    assert ended.stderr == f"otel-tbot: {truth.unreadable} unreadable lines are left out\n"
    assert_true(json.loads(ended.stdout), truth)


def test_stdin(generated: tuple[bytes, Truth]) -> None:
    """Lines are read from stdin."""
    content, truth = generated
    command = [sys.executable, "-m", "otel_tbot", "report", "--at-least", "1", "--format", "json", "-"]
    ended = subprocess.run(command, input=content, cwd=SOURCE, check=True, capture_output=True)
    assert_true(json.loads(ended.stdout), truth)


def test_parquet(tmp_path: Path, generated: tuple[bytes, Truth]) -> None:
    """A Parquet file written by this command has the same starts, without the lines left out."""
    content, truth = generated
    (tmp_path / "starts.jsonl").write_bytes(content)
    assert run("report", "starts.jsonl", "-o", "starts.parquet", cwd=tmp_path).returncode == 0
    document = json.loads(run("report", "--at-least", "1", "--format", "json", "starts.parquet", cwd=tmp_path).stdout)
    assert_true(document, Truth(starts=truth.starts, join_types=truth.join_types))


@pytest.mark.parametrize("threads", [1, 2])
def test_threads(tmp_path: Path, generated: tuple[bytes, Truth], threads: int) -> None:
    """The number of threads changes nothing; two files count like one."""
    content, truth = generated
    names = []
    for number, part in enumerate(halves(content)):
        (tmp_path / f"{number}.jsonl").write_bytes(part)
        names.append(str(tmp_path / f"{number}.jsonl"))
    with read_starts(names, period=Period(), memory="1GB", threads=threads) as starts:
        figures = compute_figures(starts, at_least=1, supported_majors=2)
    assert figures.starts == truth.totals()
    counted = {(row.value, mode): row.starts[mode] for row in figures.tables["version"].rows for mode in row.starts}
    assert counted == {key: truth.starts[key] for key in counted}


@pytest.mark.parametrize("form", [bytes, gzip.compress, zstd], ids=["plain", "gzip", "zstd"])
def test_many_small_files(tmp_path: Path, form: Callable[[bytes], bytes]) -> None:
    """Many files of one line each, with or without a line break at its end, count like one file."""
    truth = Truth()
    for number, stored in enumerate(generate(500, truth, seed=2)):
        (tmp_path / f"{number}").write_bytes(form(stored.removesuffix(b"\n") if number % 2 else stored))
    names = sorted(path.name for path in tmp_path.iterdir())
    ended = run("report", "--at-least", "1", "--format", "json", *names, cwd=tmp_path)
    assert_true(json.loads(ended.stdout), truth)


def test_period(tmp_path: Path, generated: tuple[bytes, Truth]) -> None:
    """The period begins with its first second and ends before its last; the rest is counted as outside."""
    content, truth = generated
    (tmp_path / "starts.jsonl").write_bytes(content)
    documents = [
        json.loads(run("report", "--format", "json", *options, "starts.jsonl", cwd=tmp_path).stdout)
        for options in (["--until", "2026-07-01"], ["--since", "2026-07-01T02:00:00+02:00"])
    ]
    for mode, starts in truth.totals().items():
        assert sum(document["starts"][mode] for document in documents) == starts
    outside = sum(document["left_out"]["outside_period"] for document in documents)
    assert outside == sum(truth.totals().values())
    assert documents[0]["to"] < "2026-07-01" <= documents[1]["from"]
