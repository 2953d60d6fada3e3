"""An invalid configuration of tbot gives one clear line and status 2, and nothing is sent."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.support.program import run

if TYPE_CHECKING:
    from pathlib import Path

    from otel_tbot.testing import OTLPReceiver

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(ord(name) + 1)}: &{chr(ord(name) + 1)} [{', '.join([f'*{name}'] * 9)}]\n" for name in "abcdefghi"
)
BROKEN = {
    "empty": b"",
    "comment": b"# nothing\n",
    "binary": bytes(range(256)),
    "not UTF-8": b"version: v2\noneshot: \xff\n",
    "NUL": b"version: v2\n\0",
    "over-long": b"# " + b"x" * (1024 * 1024),
    "deeply nested": b"[" * 10_000,
    "deeply indented": b"".join(b" " * depth + b"a:\n" for depth in range(1_000)),
    "alias bomb of outputs": BOMB.encode() + b"version: v2\noutputs: *j\n",
    "a list": b"- version: v2\n",
    "a text": b"canary\n",
    "broken YAML": b"version: v2\n  outputs: [\n",
    "unknown version": b"version: canary\n",
    "version as a number": b"version: 2\n",
    "duplicate key": b"version: v2\noneshot: true\noneshot: false\n",
    "oneshot as a number": b"version: v2\noneshot: 1\n",
    "oneshot as a string": b'version: v2\noneshot: "true"\n',
    "oneshot as a list": b"version: v2\noneshot: [canary]\n",
    "outputs as a mapping": b"version: v2\noutputs: {canary: 1}\n",
    "entry as a string": b"version: v2\nservices: [canary]\n",
    "entry without a type": b"version: v2\nservices: [{canary: 1}]\n",
    "type as a list": b"version: v2\nservices: [{type: [canary]}]\n",
    "onboarding as a list": b"version: v2\nonboarding: [canary]\n",
    "join method as a mapping": b"version: v2\nonboarding: {join_method: {canary: 1}}\n",
}
ON = {"TELEPORT_ANONYMOUS_TELEMETRY": "1"}


def check_refused(receiver: OTLPReceiver, path: str) -> None:
    """Check that `emit` refuses a configuration file."""
    environ = {**ON, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint}
    ended = run("emit", "--tbot-version", "1", "tbot", "start", "-c", path, environ=environ)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert ended.stderr.startswith("otel-tbot: ")
    assert "canary" not in ended.stderr
    assert receiver.connections == 0


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_broken_file(receiver: OTLPReceiver, tmp_path: Path, content: bytes) -> None:
    """A file that is not a tbot configuration is refused."""
    (tmp_path / "tbot.yaml").write_bytes(content)
    check_refused(receiver, str(tmp_path / "tbot.yaml"))


def test_missing(receiver: OTLPReceiver, tmp_path: Path) -> None:
    """A missing file is refused."""
    check_refused(receiver, str(tmp_path / "missing.yaml"))


def test_directory(receiver: OTLPReceiver, tmp_path: Path) -> None:
    """A directory is refused."""
    check_refused(receiver, str(tmp_path))


def test_fifo(receiver: OTLPReceiver, tmp_path: Path) -> None:
    """A FIFO is refused without waiting for its writer."""
    os.mkfifo(tmp_path / "tbot.yaml")
    check_refused(receiver, str(tmp_path / "tbot.yaml"))


def test_unreadable(receiver: OTLPReceiver, tmp_path: Path) -> None:
    """A file without read permission is refused; for root, who may read all, a loop of links is used."""
    (tmp_path / "tbot.yaml").symlink_to(tmp_path / "tbot.yaml")
    check_refused(receiver, str(tmp_path / "tbot.yaml"))
