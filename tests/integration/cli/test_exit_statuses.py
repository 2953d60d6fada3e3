"""The exit statuses are those of the table that the help and the reference show."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from otel_tbot.cli.exit_statuses import EXIT_STATUSES, OF_EVERY_COMMAND
from tests.support.program import SOURCE, run

if TYPE_CHECKING:
    from pathlib import Path

    from otel_tbot.testing import OTLPReceiver

ON = {"TELEPORT_ANONYMOUS_TELEMETRY": "1"}
NOWHERE = {**ON, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
START = ("--tbot-version", "18.2.3", "tbot", "start")
STORED = str(SOURCE / "examples" / "report" / "events.jsonl.gz")
# The package that shows that a command's extra is installed.
EXTRAS = {"serve": "connectrpc", "report": "duckdb"}

# The status of the table, and the command, its variables and its status.
CASES: list[tuple[str, tuple[str, ...], dict[str, str], int]] = [
    ("0", ("demo",), {}, 0),
    ("0", ("emit", *START), {}, 0),
    ("1", ("emit", *START), NOWHERE, 1),
    ("2", ("emit", "tbot", "version"), {}, 2),
    ("2", ("emit", *START, "-c", "absent.yaml"), ON, 2),
    ("0", ("help",), {}, 0),
    ("0", ("preview", *START), {}, 0),
    ("2", ("preview", *START), {"OTEL_EXPORTER_OTLP_PROTOCOL": "bogus"}, 2),
    ("0", ("report", "--format", "json", STORED), {}, 0),
    ("1", ("report", os.devnull), {}, 1),
    ("2", ("report", "absent"), {}, 2),
    ("tbot's", ("run", "sh", "-c", "exit 7"), {}, 7),
    ("tbot's", ("run", "true", "start"), NOWHERE, 0),
    ("2", ("run", "--bogus", "tbot", "start"), {}, 2),
    ("126", ("run", STORED, "start"), {}, 126),
    ("127", ("run", "./absent", "start"), {}, 127),
    ("0", ("schema",), {}, 0),
    ("2", ("serve",), {}, 2),
    ("0", ("status",), {}, 0),
    ("0", ("status", "--check"), ON, 0),
    ("1", ("status", "--check"), {}, 1),
    ("2", ("status",), {"OTEL_EXPORTER_OTLP_PROTOCOL": "bogus"}, 2),
]


@pytest.mark.parametrize(("row", "words", "environ", "status"), CASES, ids=str)
def test_status(row: str, words: tuple[str, ...], environ: dict[str, str], status: int, tmp_path: Path) -> None:
    """A command ends with the status that the table has for it."""
    if words[0] in EXTRAS and find_spec(EXTRAS[words[0]]) is None:
        pytest.skip(f"{words[0]} needs its extra")
    assert row in EXIT_STATUSES[words[0]]
    assert run(*words, environ=environ, cwd=tmp_path).returncode == status


@pytest.mark.parametrize("command", EXIT_STATUSES)
def test_bad_usage(command: str) -> None:
    """Every command ends with 2 after a usage error."""
    assert "2" in OF_EVERY_COMMAND
    assert run(command, "--bogus").returncode == 2


def test_delivery(receiver: OTLPReceiver) -> None:
    """A delivered event ends with 0, and a demo whose event does not arrive with 1."""
    environ = {**ON, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint}
    assert run("emit", *START, environ=environ).returncode == 0
    nothing = "import otel_tbot.cli.demo as d; d._COMMAND = ('emit', 'tbot', 'version'); raise SystemExit(d.main())"
    ended = subprocess.run([sys.executable, "-c", nothing], capture_output=True, check=False)
    assert ended.returncode == 1


@pytest.mark.skipif(find_spec(EXTRAS["serve"]) is None, reason="serve needs its extra")
def test_address_in_use(tmp_path: Path) -> None:
    """A receiver that cannot listen ends with 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert run("serve", "--listen", address, environ=ON, cwd=tmp_path).returncode == 1


def test_table_is_complete() -> None:
    """Each row is tested above, except the end of `serve` by a signal, and the help shows each."""
    seen = {(words[0], row) for row, words, *_ in CASES}
    rows = {(command, status) for command, statuses in EXIT_STATUSES.items() for status in statuses}
    assert rows - seen == {("demo", "1"), ("serve", "0"), ("serve", "1")}
    assert all(f"  {status}  " in run("help", command).stdout for command, status in rows)
