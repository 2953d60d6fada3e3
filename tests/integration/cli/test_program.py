"""The program as a whole: its help, its version, its schema, its demo, and its errors."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from otel_tbot import __version__
from otel_tbot.cli.exit_statuses import EXIT_STATUSES
from otel_tbot.schema import registry
from otel_tbot.schema.json_schema import json_schema
from scripts.generate import CLICKHOUSE
from scripts.schema_constants import PAGE
from tests.support.program import SOURCE, run

if TYPE_CHECKING:
    from otel_tbot.testing import OTLPReceiver

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_version(option: str) -> None:
    """The version is the package's."""
    assert run(option).stdout == f"otel-tbot {__version__}\n"


@pytest.mark.parametrize("command", [(), ("preview",), ("emit",), ("status",), ("schema",), ("demo",)])
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help(command: tuple[str, ...], option: str) -> None:
    """Every command explains itself on stdout."""
    ended = run(*command, option)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(" ".join(("Usage: otel-tbot", *command)))


def test_without_a_command() -> None:
    """Without a command, the help is on stderr, because it is not a requested result, and the status is 2."""
    ended = run()
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == run("--help").stdout


@pytest.mark.parametrize("command", [(), *((name,) for name in EXIT_STATUSES)], ids=" ".join)
def test_the_command_help(command: tuple[str, ...]) -> None:
    """`help`, with or without a command, prints the same as the option."""
    ended = run("help", *command)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, run(*command, "--help").stdout, "")


@pytest.mark.parametrize("words", [("bogus",), ("help", "bogus")], ids=" ".join)
def test_unknown_command(words: tuple[str, ...]) -> None:
    """An unknown command gives one line and status 2."""
    ended = run(*words)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "otel-tbot: No such command 'bogus'. See 'otel-tbot --help'.\n"


def test_schema_in_each_form() -> None:
    """The schema is the registry as shipped, the JSON Schema, the documentation page, or statements for ClickHouse."""
    assert yaml.safe_load(run("schema").stdout)["file_format"] == "definition/2"
    assert json.loads(run("schema", "--format", "json").stdout) == json_schema(registry.load())
    assert run("schema", "--format", "markdown").stdout == PAGE.read_text()
    assert run("schema", "--format", "clickhouse").stdout == CLICKHOUSE.read_text()


def test_an_internal_error_is_one_line() -> None:
    """An error of our own is reported in one line, not as a traceback."""
    script = "import sys, otel_tbot.cli.status; sys.argv[1:] = ['status']"
    script += "; del sys.modules['otel_tbot.cli.status'].resolve_settings"
    script += "; import otel_tbot.__main__ as program; program.main()"
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE)}
    ended = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        "otel-tbot: internal error (NameError); please report it, with the traceback of python -X dev -m otel_tbot\n"
    )


@pytest.mark.parametrize(
    "encoding",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        # A name outside of ASCII would be refused there.
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", ENDPOINT: "http://127.0.0.1:1/path"},
    ],
    ids=lambda variables: next(iter(variables.values())),
)
@pytest.mark.parametrize(
    "command",
    [
        ("status",),
        ("preview", "--tbot-version=1", "tbot", "start"),
        ("emit", "--tbot-version=1", "--timeout=1", "tbot", "start"),
        ("schema", "--format=markdown"),
        ("schema", "--format=\u017c"),
        ("run", "./\u017c", "start"),
        ("\u017c",),
    ],
    ids=" ".join,
)
def test_an_encoding_that_lacks_a_character(command: tuple[str, ...], encoding: dict[str, str]) -> None:
    """Characters that stdout or stderr cannot encode are printed as escapes, for any choice of the encoding."""
    # None of the encodings can encode the host name, and few can encode the mask of the path.
    environ = {"TELEPORT_ANONYMOUS_TELEMETRY": "1", ENDPOINT: "http://\u017c.invalid/path"}
    ended = run(*command, environ={**environ, **encoding})
    assert (ended.stdout + ended.stderr).isascii()
    assert "internal error" not in ended.stderr
    assert ended.returncode == {"emit": 1, "run": 127, "\u017c": 2}.get(command[0], 2 if "\u017c" in command[-1] else 0)


def test_closed_pipe() -> None:
    """Output into a closed pipe ends the program without a message."""
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE)}
    script = '"$0" -m otel_tbot schema | true'
    ended = subprocess.run(
        ["sh", "-c", script, sys.executable], env=environ, capture_output=True, text=True, check=True
    )
    assert (ended.stdout, ended.stderr) == ("", "")


def test_a_full_disk() -> None:
    """A result that cannot be written gives one line and status 1."""
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE)}
    script = '"$0" -m otel_tbot schema >/dev/full'
    ended = subprocess.run(
        ["sh", "-c", script, sys.executable], env=environ, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "otel-tbot: the result could not be written: No space left on device\n"


@pytest.mark.parametrize("command", ["preview tbot start", "emit tbot start", "status", "schema", "--help"])
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams(command: str, closed: str) -> None:
    """A stream that was closed from the start counts like /dev/null."""
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE)}

    def ended(streams: str) -> subprocess.CompletedProcess[str]:
        script = f'"$0" -m otel_tbot {command} {streams}'
        return subprocess.run(
            ["sh", "-c", script, sys.executable], env=environ, capture_output=True, text=True, check=True
        )

    nowhere = ended(closed.replace("&-", "/dev/null"))
    if "preview" in command:  # its session id differs each time
        assert len(ended(closed).stdout) == len(nowhere.stdout)
    else:
        assert ended(closed).stdout == nowhere.stdout
    assert ended(closed).stderr == nowhere.stderr


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {
            "DO_NOT_TRACK": "1",
            "OTEL_SDK_DISABLED": "true",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "nonsense",
            "http_proxy": "http://127.0.0.1:1",
            "TBOT_CONFIG_PATH": "/nonsense",
        },
    ],
)
def test_demo(variables: dict[str, str]) -> None:
    """The demo shows an event that arrived, under any variables, and needs neither tbot nor a backend."""
    ended = run("demo", environ=variables)
    assert ended.returncode == 0
    arrived = ended.stdout.partition("What arrived:")[2]
    shown = dict(line.split() for line in arrived.splitlines() if line.startswith("  "))
    assert shown["tbot.run_mode"] == "one-shot"
    assert shown["tbot.join_type"] == "github"
    assert shown["tbot.destinations_kubernetes"] == "1"
    assert shown["service.name"] == "tbot"
    assert shown["version"] == __version__


def test_command_of_the_demo(receiver: OTLPReceiver) -> None:
    """The command that the demo prints sends what the demo shows, to any backend."""
    printed, _, arrived = run("demo").stdout.partition("The command")[2].partition("What arrived:")
    command = re.sub("ENDPOINT=[^ ]+", f"ENDPOINT={receiver.http_endpoint}", printed.partition(":\n")[2])
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    subprocess.run(["sh", "-c", command], env={"PATH": path}, check=True, capture_output=True)
    (record,) = receiver.log_records
    shown = dict(line.split() for line in arrived.splitlines() if line.startswith("  "))
    assert {name: str(value) for name, value in record.attributes.items()}.items() <= shown.items()
