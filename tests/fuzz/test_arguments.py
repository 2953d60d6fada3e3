"""Any arguments and variables give an allowed event, or one line of error that repeats none of their values.

Every command runs in this process, except `run`, `demo` and `serve`, which would start programs and servers.
"""

from __future__ import annotations

import gc
import io
import logging
import os
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, NamedTuple
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from otel_tbot.cli.commands import run_command_line
from otel_tbot.errors import TbotConfigError
from otel_tbot.event import StartEvent
from otel_tbot.launcher.arguments import UsageError, parse
from otel_tbot.launcher.subcommand_check import is_start
from otel_tbot.tbot.known_flags import GLOBAL_FLAGS, SUBCOMMANDS
from otel_tbot.testing import OTLPReceiver
from otel_tbot.timeout import MAX_TIMEOUT
from tests.fuzz import allowed_values
from tests.fuzz.allowed_messages import check
from tests.unit.tbot.read_helpers import in_base64

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = "canary"
FLAGS = sorted({flag for row in SUBCOMMANDS for flag in row.flags} | {*GLOBAL_FLAGS})
VALUES = st.text(max_size=6).map(lambda text: f"{SECRET}{text}")
# Arguments of real users, with a canary for every value, and invalid ones.
WORDS = st.one_of(
    st.sampled_from(["start", "start", "version", "configure", "--", "-", "", "-d", "-h", "--help", "-c", "-a", "@"]),
    st.sampled_from([name for row in SUBCOMMANDS for name in (row.name, *row.aliases)]),
    st.builds("{}{}".format, st.sampled_from(["--", "--no-", "-", "---"]), st.sampled_from(FLAGS)),
    st.builds("--{}={}".format, st.sampled_from(FLAGS), VALUES),
    st.builds("{}{}".format, st.sampled_from(["-c", "-dc", "-da", "@", "@@", "--", "--=", "-", "-é"]), VALUES),
    VALUES,
    st.text(st.characters(), max_size=4),
)
VARIABLES = st.sampled_from(
    [
        *("TBOT_CONFIG", "TBOT_CONFIG_PATH", "TELEPORT_BOT_TOKEN", "TELEPORT_PROXY", "TBOT_DEBUG"),
        *("_TBOT_TELEMETRY_HELPER", "_TBOT_TELEMETRY_HELPER_VERSION", SECRET),
    ]
)
CONFIGURATIONS = st.sampled_from(["{}", "version: v2", f"version: {SECRET}", f"{SECRET}: ["]).map(in_base64)
# A space makes a canary an invalid helper name; a valid one may be sent.
ENVIRONMENTS = st.dictionaries(VARIABLES, VALUES.map("{} ".format) | CONFIGURATIONS | st.just(""), max_size=4)


class CompletedRun(NamedTuple):
    """Exit status and output of a command."""

    status: int
    stdout: str
    stderr: str


def command(*words: str, environ: dict[str, str]) -> CompletedRun:
    """Run a command line in this process, with only these variables."""
    # Like Python's own streams at its start: stdout rejects text that cannot be encoded, and stderr escapes it.
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    stderr = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace")
    with patch.dict(os.environ, environ, clear=True), redirect_stdout(stdout), redirect_stderr(stderr):
        status = run_command_line(words)
    printed = []
    for stream in (stdout, stderr):
        stream.flush()
        printed.append(stream.buffer.getvalue().decode())
    return CompletedRun(status, *printed)


def check_clean(ended: CompletedRun) -> None:
    """Check the exit status, and that stderr has whole lines with the program's name and no internal error."""
    assert ended.status in {0, 1, 2}
    assert "internal error" not in ended.stderr
    assert "Traceback" not in ended.stderr + ended.stdout
    lines = ended.stderr.split("\n")
    assert lines.pop() == ""
    assert [line for line in lines if not (line.startswith("otel-tbot: ") and line.isprintable())] == []
    if ended.status == 2:
        assert (len(lines), ended.stdout) == (1, "")


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Restore what the commands turn off in a short-lived process."""
    yield
    gc.enable()
    logging.disable(logging.NOTSET)


@given(words=st.lists(WORDS, max_size=7), environ=ENVIRONMENTS)
@example(words=["start", "--join-uri", SECRET], environ={})
@example(words=["start", f"@{SECRET}"], environ={})
@example(words=["start", "-c", SECRET], environ={})
@example(words=["start", "-c", SECRET, "--config-string", SECRET], environ={})
def test_from_command(words: list[str], environ: dict[str, str]) -> None:
    """Any command line of tbot is read as an allowed event, or rejected by a known sentence."""
    try:
        event = StartEvent.from_command(["tbot", *words], environ=environ, version=SECRET)
    except TbotConfigError as error:
        check(error)
    else:
        allowed_values.check_event(event.attributes)
        assert SECRET not in str(event.attributes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for argument files."""
    return tmp_path_factory.mktemp("arguments")


@given(lines=st.lists(WORDS | st.just("@again"), max_size=6), end=st.sampled_from(["\n", "\r\n", "\0"]))
def test_argument_file(lines: list[str], end: str, folder: Path) -> None:
    """An argument file, even one that names itself, is read as an allowed event, or rejected by a known sentence."""
    path = folder / "arguments"
    content = end.join(lines).replace("@again", f"@{path}")
    path.write_bytes(content.encode(errors="surrogatepass"))
    try:
        event = StartEvent.from_command(["tbot", "start", f"@{path}"], environ={})
    except TbotConfigError as error:
        check(error)
    else:
        allowed_values.check_event(event.attributes)
        assert SECRET not in str(event.attributes)


OPTIONS = st.one_of(
    st.sampled_from(
        ["--timeout", "--signal", "--tbot-version", "--supervise", "--outcome-fd", "--", "-", "-h", "tbot", "logs"]
    ),
    st.sampled_from(["--timeout=1", "--timeout=nan", "--timeout=\u0663", "--signal=logs", "1_0", "0x1"]),
    st.builds("{}={}".format, st.sampled_from(["--timeout", "--signal", "--supervise", "--token", ""]), VALUES),
    VALUES,
    st.floats().map(str),
)


@example(words=[], rest=[f"-c{SECRET}="])
@example(words=[], rest=[f"-c{SECRET}"])
@given(words=st.lists(OPTIONS, max_size=6), rest=st.lists(WORDS, max_size=3))
def test_arguments_of_run(words: list[str], rest: list[str]) -> None:
    """`run` parses its options, leaves the rest unchanged, and repeats no value of what it rejects."""
    given_words = [*words, *rest]
    try:
        arguments = parse(given_words)
    except UsageError as error:
        message = str(error)
        # An option's long name may be repeated, and any word that begins with two dashes may be one.
        for word in given_words:
            name = word.partition("=")[0]
            message = message.replace(name, "") if name.startswith("--") else message
        assert SECRET not in message
    else:
        assert arguments.help or given_words[-len(arguments.command) :] == arguments.command
        assert arguments.signal in {None, "logs", "traces"}
        assert arguments.timeout is None or 0 < arguments.timeout <= MAX_TIMEOUT
    assert given_words == [*words, *rest]


@given(words=st.lists(WORDS, max_size=5))
def test_quick_check(words: list[str]) -> None:
    """The quick check of a command line recognizes every start that the full grammar recognizes."""
    try:
        StartEvent.from_command(["tbot", *words], environ={})
    except TbotConfigError:
        return
    assert is_start(["tbot", *words])


# The options of the commands: valid, invalid, incomplete and repeated.
COMMANDS = st.sampled_from(["preview", "emit", "status", "schema", "", "previe", SECRET, "--version", "--help", "-h"])
CLICKED = st.one_of(
    st.sampled_from(["--format", "json", "text", "yaml", "--check", "--signal", "logs", "--timeout", "1", "--help"]),
    st.sampled_from(["--format=json", "--signal=traces", "--timeout=nan", "--timeout=-1", "--tbot-version=18.2.3"]),
    st.sampled_from(["--form", "--sig=logs", "--check=1", "--", "-", "--timeout=1e400", "--tbot-version"]),
    st.builds("--tbot-version={}".format, VALUES),
)
SETTINGS = st.dictionaries(
    st.sampled_from(
        [
            *("TELEPORT_ANONYMOUS_TELEMETRY", "DO_NOT_TRACK", "OTEL_SDK_DISABLED", "OTEL_TBOT_SIGNAL"),
            *(f"OTEL_EXPORTER_OTLP_{name}" for name in ("HEADERS", "TIMEOUT", "COMPRESSION", "CERTIFICATE")),
        ]
    ),
    st.sampled_from(["", "1", "0", "true", "logs", "traces", "gzip", f"api-key={SECRET}", SECRET]),
    max_size=3,
)


@given(
    name=COMMANDS,
    options=st.lists(CLICKED, max_size=3),
    tbot=st.sampled_from([[], ["tbot"], ["tbot", "start"], ["tbot", "start", "identity"]]),
    words=st.lists(WORDS, max_size=3).map(lambda words: [word.replace("\0", "") for word in words]),
    environ=ENVIRONMENTS,
    settings=SETTINGS,
)
@example(name="status", options=["--"], tbot=[], words=["\x1b[2J\u2028"], environ={}, settings={})
@example(name="preview", options=[], tbot=["tbot", "start"], words=["-c", "\udcff\x1b"], environ={}, settings={})
def test_commands(  # noqa: PLR0913, PLR0917  each is a part of one command line
    backend: OTLPReceiver,
    name: str,
    options: list[str],
    tbot: list[str],
    words: list[str],
    environ: dict[str, str],
    settings: dict[str, str],
) -> None:
    """Any command line ends with status 0, 1 or 2, and with one line of error for status 2."""
    backend.clear()
    variables = {name: value.replace("\0", "") for name, value in {**environ, **settings}.items()}
    variables = {name: value.encode(errors="replace").decode() for name, value in variables.items()}
    variables |= {"OTEL_EXPORTER_OTLP_ENDPOINT": backend.http_endpoint, "PATH": "/nowhere"}

    ended = command(name, *options, *tbot, *words, environ=variables)

    check_clean(ended)
    # Arguments before TBOT belong to this program; tbot's arguments and the variables must not be repeated.
    if tbot and SECRET not in name + "".join(options):
        assert SECRET not in ended.stderr + ended.stdout or takes_no_tbot(name, options)
    on = settings.get("TELEPORT_ANONYMOUS_TELEMETRY") == "1"
    assert on or backend.connections == 0
    assert SECRET not in str([record.attributes for record in backend.log_records])


def takes_no_tbot(name: str, options: list[str]) -> bool:
    """Return whether an argument of tbot is in a position of this program's arguments."""
    waiting = bool(options) and options[-1] in {"--format", "--signal", "--timeout", "--tbot-version"}
    return name not in {"preview", "emit"} or waiting


@pytest.fixture(scope="module")
def backend() -> Iterator[OTLPReceiver]:
    """A real backend."""
    with OTLPReceiver() as running:
        yield running
