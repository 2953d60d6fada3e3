"""The sources of the configuration, and how a file is read."""

from __future__ import annotations

import base64
import os
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from otel_tbot.regular_file import SIZE_LIMIT, UnreadableFileError, read_regular_file
from tests.unit.tbot.read_helpers import in_base64, refused, start

if TYPE_CHECKING:
    from pathlib import Path

ONESHOT = "oneshot: true\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a configuration."""
    file = tmp_path / "tbot.yaml"
    file.write_text(ONESHOT)
    return file


def test_file(path: Path) -> None:
    """A file is named by `-c`, `--config` or the variable."""
    assert start("-c", str(path)).run_mode == "one-shot"
    assert start(f"--config={path}").run_mode == "one-shot"
    assert start(TBOT_CONFIG_PATH=str(path)).run_mode == "one-shot"


def test_base64() -> None:
    """The configuration itself may be in `--config-string` or the variable."""
    assert start("--config-string", in_base64(ONESHOT)).run_mode == "one-shot"
    assert start(TBOT_CONFIG=in_base64(ONESHOT)).run_mode == "one-shot"


@pytest.mark.parametrize("as_flag", [True, False])
@pytest.mark.parametrize("string_as_flag", [True, False])
def test_both(path: Path, *, as_flag: bool, string_as_flag: bool) -> None:
    """A file and a configuration at once are an error, from any combination of sources."""
    arguments = (["-c", str(path)] if as_flag else []) + (["--config-string=e30="] if string_as_flag else [])
    environ = ({} if as_flag else {"TBOT_CONFIG_PATH": str(path)}) | ({} if string_as_flag else {"TBOT_CONFIG": "e30="})

    message = refused(*arguments, **environ)

    first, second = (
        "-c/--config" if as_flag else "TBOT_CONFIG_PATH",
        "--config-string" if string_as_flag else "TBOT_CONFIG",
    )
    assert message == f"{second}: {first} gives a second configuration; leave one out"


@pytest.mark.parametrize("content", [ONESHOT, ONESHOT + "#", ONESHOT + "##", "oneshot: 'y' # \u00bf\u00bf\u00ff>>>???"])
def test_padding(content: str) -> None:
    """The standard base64 alphabet and its padding are accepted."""
    assert start(TBOT_CONFIG=in_base64(content)).run_mode == "one-shot"


def test_line_ends() -> None:
    """Line ends, as the program `base64` writes them, are skipped."""
    wrapped = base64.encodebytes((ONESHOT + "# " + "x" * 200).encode()).decode().replace("\n", "\r\n")

    assert start(TBOT_CONFIG=wrapped).run_mode == "one-shot"


@pytest.mark.parametrize("value", [
    "e30", "e3", "e", "e30==", "e30=e30=", "=", "====", "e3-_", " e30=", "e30= ", "e3 0=", "{}", "oneshot: true",
    "\u00e9", "\udcff", "e30=\0",
])  # fmt: skip
def test_bad_base64(value: str) -> None:
    """Any other text is rejected."""
    message = refused(TBOT_CONFIG=value)

    assert message == "TBOT_CONFIG: not valid base64; encode the YAML with base64, padding included"


def test_error_names_the_file(path: Path) -> None:
    """An error message names the file as the user typed it, and the line."""
    path.write_text("a: b\noneshot: 1\n")

    assert refused("-c", str(path)).startswith(f"{path}, line 2, oneshot: not a boolean; write true or false")


def test_error_names_the_variable(path: Path) -> None:
    """A path from the environment is not repeated."""
    path.write_text("oneshot: 1\n")

    assert refused(TBOT_CONFIG_PATH=str(path)).startswith("the file that TBOT_CONFIG_PATH names, line 1, oneshot: ")


def test_error_stays_one_line(tmp_path: Path) -> None:
    """A path that would break the line is not repeated."""
    path = tmp_path / "a\nb"
    path.write_text("oneshot: 1\n")

    assert refused("-c", str(path)).startswith("the file that -c/--config names, line 1, oneshot: ")


@pytest.mark.parametrize(
    "name", ["missing", "missing/below", "tbot.yaml/below", "a\0b", "\ud800", "x" * 300, "~/tbot.yaml"]
)
def test_missing(path: Path, name: str) -> None:
    """A missing file is rejected; its name, which may be a mistake, is not repeated."""
    message = refused("-c", f"{path.parent}/{name}")

    assert message.startswith("-c/--config: the configuration file ")
    assert message.endswith("; name a regular file of at most 1048576 bytes")


def test_directory(tmp_path: Path) -> None:
    """A directory is refused."""
    assert refused("-c", str(tmp_path)).startswith(f"{tmp_path}: the configuration file is a directory; ")


@pytest.mark.parametrize("device", ["/dev/null", "/dev/zero", "/dev/tty"])
def test_device(device: str) -> None:
    """A device is refused."""
    assert "the configuration file is a device" in refused("-c", device)


def test_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket is refused."""
    monkeypatch.chdir(tmp_path)  # a socket's name must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        assert "the configuration file is a socket" in refused("-c", "socket")


def test_fifo(tmp_path: Path) -> None:
    """A FIFO is refused without waiting for its writer."""
    os.mkfifo(tmp_path / "fifo")

    message = refused("-c", str(tmp_path / "fifo"))

    assert "the configuration file is a pipe" in message


def test_fifo_is_left_alone(tmp_path: Path) -> None:
    """The FIFO is not even opened, so its content is left to tbot."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=fifo.write_text, args=(ONESHOT,))
    writer.start()

    refused("-c", str(fifo))

    assert fifo.read_text() == ONESHOT
    writer.join()


def test_pipe() -> None:
    """The pipe of a shell's `<(...)` is rejected, too."""
    reading, writing = os.pipe()
    try:
        assert "is a pipe" in refused("-c", f"/dev/fd/{reading}")
    finally:
        os.close(reading)
        os.close(writing)


def test_unreadable(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file without read permission is rejected, with the system's reason."""

    def deny(*_: object) -> int:
        raise PermissionError(13, "canary", "canary")  # simulated, because root may read everything

    monkeypatch.setattr(os, "open", deny)

    assert refused("-c", str(path)).startswith(f"{path}: the configuration file cannot be read (Permission denied); ")


def test_link(path: Path) -> None:
    """A link is followed."""
    link = path.parent / "link"
    link.symlink_to(path)

    assert start("-c", str(link)).run_mode == "one-shot"


def test_replaced_by_a_fifo(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A FIFO that replaces the file at the last moment is rejected without waiting, too."""
    really_open = os.open

    def replace_and_open(name: str, flags: int) -> int:
        path.unlink()
        os.mkfifo(path)
        return really_open(name, flags)

    monkeypatch.setattr(os, "open", replace_and_open)

    with pytest.raises(UnreadableFileError, match="is a pipe"):
        read_regular_file(str(path))


def test_replaced_by_another_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is replaced while it is read is read completely, from one descriptor."""
    really_fstat = os.fstat

    def replace_after_fstat(descriptor: int) -> os.stat_result:
        opened = really_fstat(descriptor)
        other = path.parent / "other"
        other.write_text("oneshot: 1\n")
        other.replace(path)
        return opened

    monkeypatch.setattr(os, "fstat", replace_after_fstat)

    assert start("-c", str(path)).run_mode == "one-shot"
    assert path.read_text() == "oneshot: 1\n"


def test_growing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that grows while it is read is read up to the limit."""
    really_fstat = os.fstat

    def grow_after_fstat(descriptor: int) -> os.stat_result:
        before = really_fstat(descriptor)
        with path.open("a") as file:
            file.write("#" * 1024 * 1024)
        return before

    monkeypatch.setattr(os, "fstat", grow_after_fstat)

    assert "is larger than 1048576 bytes" in refused("-c", str(path))


@pytest.mark.parametrize("encoded", [True, False])
def test_size(path: Path, *, encoded: bool) -> None:
    """A configuration of the maximum size is read, and one byte more is rejected."""
    largest = (ONESHOT + "#" * SIZE_LIMIT)[:SIZE_LIMIT]

    def arguments(content: str) -> list[str]:
        path.write_text(content)
        return [f"--config-string={in_base64(content)}"] if encoded else ["-c", str(path)]

    assert start(*arguments(largest)).run_mode == "one-shot"
    assert "is larger than 1048576 bytes" in refused(*arguments(largest + "#"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings(encoding: str) -> None:
    """UTF-8 is read, and UTF-16 with a byte order mark, as by tbot."""
    mark = "\ufeff" if encoding.startswith("utf-16-") else ""

    assert start(configuration=(mark + "# \u00e9\noneshot: true\n").encode(encoding)).run_mode == "one-shot"


@pytest.mark.parametrize(
    "content", [b"a: b\n\xff", b"a: b\n\xc3", b"a: b\n# \xed\xa0\x80\n", b"a: b\nc: \xe9\nd: e\n", b"\xff\xfea\0\n\0\0"]
)
def test_not_text(content: bytes) -> None:
    """Bytes that are not UTF-8 are rejected, with the line."""
    assert refused(configuration=content) == "TBOT_CONFIG, line 2: not UTF-8 text; save it as UTF-8"


@pytest.mark.parametrize("character", ["\0", "\x01", "\x08", "\x0b", "\x1b", "\x7f", "\x9f", "\ufffe", "\uffff"])
def test_control_characters(character: str) -> None:
    """Characters that YAML forbids are rejected, with the line."""
    message = refused(configuration=f"a: \u00e9\nb: {character}\n")

    assert message == "TBOT_CONFIG, line 2: not valid YAML (control character); remove it"
