"""Unusual and invalid files: each is read, or gives one line that says what is wrong."""

from __future__ import annotations

import gzip
import json
import os
import struct
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.program import SOURCE
from tests.support.stored_starts import line
from tests.support.zstd import zstd

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.report.conftest import RunHere

    Counted = Callable[..., tuple[Any, str]]
    Refused = Callable[..., tuple[int, str]]

GOOD = line()


@pytest.fixture
def counted(tmp_path: Path, run_here: RunHere) -> Counted:
    """Report on a file; return its JSON and stderr."""

    def reported(content: bytes, name: str = "starts.jsonl") -> tuple[Any, str]:
        (tmp_path / name).write_bytes(content)
        ended = run_here("report", "--at-least", "1", "--format", "json", name)
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout), ended.stderr

    return reported


@pytest.fixture
def refused(run_here: RunHere) -> Refused:
    """Report on files that cannot be read; return the exit status and the line on stderr."""

    def reported(*names: str) -> tuple[int, str]:
        ended = run_here("report", *names)
        assert ended.stdout == ""
        assert ended.stderr.count("\n") == 1
        return ended.returncode, ended.stderr.removeprefix("otel-tbot: ").removesuffix("\n")

    return reported


@pytest.mark.parametrize(
    "bad",
    [
        GOOD[:200],
        GOOD[: GOOD.index(b":") + 1],
        b"\0" * 100,
        b"\x80\xff\xfe binary",
        b"plain text",
        b"[1, 2]",
        b'{"resourceLogs": 5}',
        b"null",
        b'{"resourceLogs":[',
    ],
)
@pytest.mark.parametrize("place", ["first", "between", "last"])
def test_bad_line(counted: Counted, bad: bytes, place: str) -> None:
    """A line that is not OTLP/JSON is counted, and does not affect others."""
    if place == "first" and bad == b"\0" * 100:
        pytest.skip("a file with this beginning is read as protobuf or binary")
    other = line()
    lines = {"first": [bad, GOOD, other], "between": [GOOD, bad, other], "last": [GOOD, other, bad]}[place]
    document, errors = counted(b"\n".join(part.rstrip(b"\n") for part in lines))
    assert document["starts"] == {"one-shot": 2, "daemon": 0}
    assert document["left_out"]["unreadable_lines"] == 1
    assert errors == "otel-tbot: 1 unreadable line is left out\n"


def test_long_line(counted: Counted) -> None:
    """A line of 24 MB is read."""
    document, errors = counted(line(resource={"long": "x" * 24_000_000}) + GOOD)
    assert (document["starts"]["one-shot"], errors) == (2, "")


@pytest.mark.parametrize("name", ["it's.jsonl", "a[1]*.jsonl", "https:?x=1", '"quoted" \\ name', "-dash", "späße", "*"])
def test_name(tmp_path: Path, run_here: RunHere, name: str) -> None:
    """A name is never read as a pattern."""
    (tmp_path / "a1.jsonl").write_bytes(line() + line())
    (tmp_path / name).write_bytes(GOOD)
    ended = run_here("report", "--at-least", "1", "--format", "json", "--", name)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout)["starts"]["one-shot"] == 1


def test_name_that_is_not_text(tmp_path: Path) -> None:
    """A file whose name is not text can be read."""
    name = os.fsdecode(b"a\xff.jsonl")
    (tmp_path / name).write_bytes(GOOD)
    command = [sys.executable, "-m", "otel_tbot", "report", "--at-least", "1", "--format", "json", name]
    ended = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(SOURCE)}, check=True, capture_output=True)
    assert json.loads(ended.stdout)["starts"]["one-shot"] == 1


def test_address(refused: Refused) -> None:
    """A URL is not a file, and is not opened."""
    status, errors = refused("https://127.0.0.1/starts.jsonl")
    assert (status, errors) == (2, "https://127.0.0.1/starts.jsonl cannot be read: No such file or directory")


@pytest.mark.parametrize("nanoseconds", [str(2**64 - 1), "0", "-1", "x", "1e18", "9" * 40])
def test_impossible_time(counted: Counted, nanoseconds: str) -> None:
    """An impossible time is counted separately."""
    document, errors = counted(GOOD + line().replace(b'"1780272000000000000"', f'"{nanoseconds}"'.encode()))
    assert document["left_out"]["implausible_time"] == 1
    assert (document["starts"]["one-shot"], errors) == (1, "")


@pytest.mark.parametrize(
    ("stored", "version"),
    [
        (b'{"stringValue":"18.2.3"}', "18.2.3"),
        (b'{"stringValue":18}', "18"),
        (b'{"stringValue":null}', "(not set)"),
        (b"null", "(not set)"),
        (b"{}", "(not set)"),
        (b'{"stringValue":"18.2.3","stringValue":"18.2.3"}', "18.2.3"),
        (b'{"stringValue":"18.2.3\\u0000"}', "18.2.3"),
        (b'{"boolValue":true}', "(not set)"),
        (b'{"arrayValue":{"values":[]}}', "(not set)"),
    ],
)
def test_value_of_another_type(counted: Counted, stored: bytes, version: str) -> None:
    """A value of another type is left out, and its start is counted."""
    content = line(version="19.0.0").replace(b'{"stringValue":"19.0.0"}', stored)
    document, errors = counted(GOOD + content)
    assert (document["starts"]["one-shot"], errors) == (2, "")
    assert version in {row["value"] for row in document["tables"]["version"]["rows"]}


def test_other_signals(counted: Counted) -> None:
    """Metrics in the same file count neither as starts nor as unreadable."""
    document, errors = counted(GOOD + b'{"resourceMetrics":[{}]}\n')
    assert (document["starts"]["one-shot"], document["left_out"]["unreadable_lines"], errors) == (1, 0, "")


@pytest.mark.parametrize("content", [b"", b"\n\n", line(name="other.event")])
def test_nothing_found(tmp_path: Path, refused: Refused, content: bytes) -> None:
    """Without any start, the exit status is 1."""
    (tmp_path / "starts.jsonl").write_bytes(content)
    assert refused("starts.jsonl") == (1, "no event tbot.start was found")


def test_nothing_readable(tmp_path: Path, refused: Refused) -> None:
    """If no line can be read, the message has their number."""
    (tmp_path / "starts.jsonl").write_bytes(b"plain\ntext\n")
    assert refused("starts.jsonl") == (1, "no event tbot.start was found; 2 lines are unreadable")


def test_fifo(tmp_path: Path, run_here: RunHere) -> None:
    """A named pipe is read like a file."""
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=[GOOD])
    writer.start()
    ended = run_here("report", "--at-least", "1", "--format", "json", "pipe")
    writer.join()
    assert json.loads(ended.stdout)["starts"]["one-shot"] == 1


def test_directory(tmp_path: Path, refused: Refused) -> None:
    """A directory is refused, and the message says what to name instead."""
    (tmp_path / "stored").mkdir()
    expected = "stored is a directory: name the files in it, such as stored/*.jsonl"
    assert refused("stored") == (2, expected)


def test_missing(refused: Refused) -> None:
    """A file that does not exist is named."""
    assert refused("no.jsonl") == (2, "no.jsonl cannot be read: No such file or directory")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_no_permission(tmp_path: Path, refused: Refused) -> None:
    """A file without read permission is named."""
    (tmp_path / "secret.jsonl").write_bytes(GOOD)
    (tmp_path / "secret.jsonl").chmod(0)
    assert refused("secret.jsonl") == (2, "secret.jsonl cannot be read: Permission denied")


def framed(*messages: bytes) -> bytes:
    """Prefix each message with its length, as the Collector's file exporter does in its binary formats."""
    return b"".join(struct.pack(">I", len(message)) + message for message in messages)


OTHER_FORMS = {
    "protobuf": (
        framed(b"\x0a\xa9\x02" + b"x" * 300, b"\x0a\xa9\x02" + b"x" * 300),
        "starts holds protobuf: set format to json in the Collector's file exporter",
    ),
    "framed zstd": (
        framed(zstd(GOOD), zstd(GOOD)),
        (
            "starts has a length before each compressed request: remove compression from the Collector's file "
            "exporter, or enable its feature gate exporter.file.nativeCompression"
        ),
    ),
    "pretty-printed": (
        json.dumps(json.loads(GOOD), indent=2).encode(),
        "starts has requests of several lines: write one in each line, as the file exporter's json does",
    ),
    "pretty-printed with tabs and CRLF": (
        b'{"resourceLogs": [\r\n\t{"scopeLogs": []}\r\n]}\r\n',
        "starts has requests of several lines: write one in each line, as the file exporter's json does",
    ),
}


@pytest.mark.parametrize("form", OTHER_FORMS)
def test_other_forms_of_the_collector(tmp_path: Path, refused: Refused, form: str) -> None:
    """A format without lines is refused, and the message names the setting to change."""
    content, expected = OTHER_FORMS[form]
    (tmp_path / "starts").write_bytes(content)
    assert refused("starts") == (2, expected)


@pytest.mark.parametrize("part", [0.01, 0.5, 0.99])
@pytest.mark.parametrize("compress", [gzip.compress, zstd])
def test_cut_compressed_file(tmp_path: Path, refused: Refused, compress: Callable[[bytes], bytes], part: float) -> None:
    """A truncated compressed file is refused with its name, because its remaining part would look complete."""
    content = compress(b"".join(line() for _ in range(500)))
    (tmp_path / "cut").write_bytes(content[: int(len(content) * part)])
    status, errors = refused("cut")
    assert status == 2
    assert errors in {
        "the files cannot be read: IO Error: Unexpected end of GZIP stream: cut",
        "cut ends within its compressed data: it was cut, or is still being written",
    }


@pytest.mark.parametrize("others", [0, 20], ids=["alone", "among small files"])
@pytest.mark.parametrize("change", ["cut", "emptied", "removed", "replaced"])
def test_file_that_shrinks(tmp_path: Path, change: str, others: int) -> None:
    """A file that shrinks after the first check is named, and no report is made."""
    file = tmp_path / "starts.jsonl"
    file.write_bytes(GOOD + line())
    names = [f"{number}.jsonl" for number in range(others)]
    for name in names:
        (tmp_path / name).write_bytes(line())
    os.mkfifo(tmp_path / "pipe")
    command = [sys.executable, "-m", "otel_tbot", "report", "starts.jsonl", *names, "pipe"]
    environ = {"PYTHONPATH": str(SOURCE)}
    process = subprocess.Popen(command, cwd=tmp_path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with (tmp_path / "pipe").open("wb") as pipe:  # opening waits until the other files were checked
        if change == "removed":
            file.unlink()
        elif change == "replaced":
            (tmp_path / "new").write_bytes(GOOD)
            (tmp_path / "new").replace(file)
        else:
            os.truncate(file, len(GOOD) if change == "cut" else 0)
        pipe.write(line())
    out, err = process.communicate(timeout=30)
    expected = b"otel-tbot: starts.jsonl was cut, replaced or removed while it was read: run report again\n"
    assert (process.returncode, out, err) == (2, b"", expected)
