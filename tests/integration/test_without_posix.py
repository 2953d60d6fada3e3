"""The features that work on Windows, without the names that Python lacks there: see `tests.support.without_posix`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from otel_tbot.launcher import without_fork
from otel_tbot.launcher.outcome_fd import NO_RESULT
from tests.support import without_posix
from tests.support.black_hole import black_hole
from tests.support.collector import wait_until
from tests.support.fake_tbot import VERSION, shell_script
from tests.support.otlp_environment import otlp_variables
from tests.support.program import SOURCE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from otel_tbot.testing import OTLPReceiver

    Program = Callable[..., subprocess.CompletedProcess[str]]

CONFIGURATION = "version: v2\nonboarding:\n  join_method: github\nservices:\n  - type: identity\n"
# Modules that are never loaded on Windows.
POSIX_ONLY = {"launcher.group_signal_probe", "launcher.sender", "launcher.supervise", "receiver"}


@pytest.fixture
def python(tmp_path: Path) -> Program:
    """Return a function that runs code in a Python without POSIX, with tbot on PATH and a configuration."""
    (tmp_path / "tbot.yaml").write_text(CONFIGURATION)
    shell_script(tmp_path / "bin", 'echo "out $*"; echo "error" >&2; read -r status; exit "$status"')
    command = without_posix.python(tmp_path)

    def run(code: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        variables = {"PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}", "PROCESSOR_ARCHITECTURE": "AMD64"}
        return subprocess.run(
            [*command, code], env={**variables, **(environ or {})}, cwd=tmp_path, input="7\n",
            capture_output=True, text=True, timeout=50, check=False,
        )  # fmt: skip

    return run


@pytest.fixture
def program(python: Program) -> Program:
    """Return a function that runs a command in that Python."""

    def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return python(f"from otel_tbot.__main__ import main; main(*{arguments!r})", environ)

    return run


def test_the_names_are_missing(python: Program) -> None:
    """The names are missing: otherwise the tests below would prove nothing."""
    code = """\
import os, select, signal, _signal
for module, name in ((os, "O_NONBLOCK"), (os, "fork"), (signal, "SIGKILL"), (_signal, "SIGHUP"), (select, "poll")):
    assert not hasattr(module, name), name
try:
    import fcntl
except ImportError:
    print("missing")
"""
    assert python(code).stdout == "missing\n"


def test_modules(python: Program) -> None:
    """Every module except those for POSIX systems can be imported."""
    files = [file for file in sorted((SOURCE / "otel_tbot").rglob("*.py")) if file.stem.isidentifier()]  # no hooks
    names = [".".join(file.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__") for file in files]
    kept = [name for name in names if not any(name.startswith(f"otel_tbot.{one}") for one in POSIX_ONLY)]
    # The packages of extras may be missing.
    code = f"""\
import importlib
for name in {kept!r}:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        assert error.name in {{"clickhouse_connect", "duckdb", "jinja2", "rich", "vl_convert"}}, (name, error.name)
print("imported")
"""
    ended = python(code)
    assert (ended.stdout, ended.stderr) == ("imported\n", "")


def test_preview(program: Program) -> None:
    """`preview` reads a configuration, asks tbot for its version, and knows the architecture."""
    ended = program("preview", "--format", "json", "tbot", "start", "-c", "tbot.yaml")
    assert ended.returncode == 0, ended.stderr
    (resource,) = json.loads(ended.stdout)["resourceLogs"]
    (record,) = resource["scopeLogs"][0]["logRecords"]
    values = {one["key"]: one["value"] for one in record["attributes"]}
    assert values["tbot.version"] == {"stringValue": VERSION}
    assert values["tbot.join_type"] == {"stringValue": "github"}
    assert {"key": "host.arch", "value": {"stringValue": "amd64"}} in resource["resource"]["attributes"]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("sleep 60", "took too long"),
        ("yes", "printed more than 65536 bytes"),
        ("exit 1", "failed"),
        ("echo Teleport v1.0; sleep 60", "took too long"),
    ],
)
def test_unknown_version(program: Program, tmp_path: Path, lines: str, reason: str) -> None:
    """If the executable hangs, prints too much or fails, the version is left out after two seconds at most."""
    shell_script(tmp_path / "bin", "exit 1", version=lines)
    ended = program("preview", "tbot", "start")
    assert ended.returncode == 0
    assert reason in ended.stderr


@pytest.mark.parametrize("name", ["missing", "tbot.yaml", "./missing"])
def test_no_executable(program: Program, name: str) -> None:
    """If the executable is missing, the version is left out."""
    ended = program("preview", name, "start")
    assert (ended.returncode, ended.stderr) == (
        0,
        "otel-tbot: tbot.version is left out: the executable was not found\n",
    )


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
@pytest.mark.parametrize("signal_name", ["logs", "traces"])
def test_emit(program: Program, receiver: OTLPReceiver, protocol: str, signal_name: str) -> None:
    """`emit` sends the event, over each protocol and as each signal."""
    environ = {"TELEPORT_ANONYMOUS_TELEMETRY": "1", **otlp_variables(receiver, protocol)}
    ended = program("emit", "--signal", signal_name, "tbot", "start", "-c", "tbot.yaml", **environ)
    assert ended.returncode == 0, ended.stderr
    (record,) = receiver.log_records if signal_name == "logs" else receiver.spans
    assert record.attributes["tbot.version"] == VERSION
    assert record.attributes["tbot.destinations_other"] == 1


@pytest.mark.parametrize(
    "words", [("status",), ("schema",), ("schema", "--format", "json"), ("demo",), ("run", "--help")], ids=" ".join
)
def test_other_commands(program: Program, words: tuple[str, ...]) -> None:
    """The other commands work as on POSIX."""
    ended = program(*words)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout


def test_report(program: Program, tmp_path: Path) -> None:
    """`report` reads events and writes a file."""
    pytest.importorskip("duckdb", reason="report needs its extra")
    events = SOURCE / "examples" / "report" / "events.jsonl.gz"
    ended = program("report", "-o", "report.json", str(events))
    assert ended.returncode == 0, ended.stderr
    assert json.loads((tmp_path / "report.json").read_text())


def test_serve(program: Program) -> None:
    """`serve`, which needs POSIX, says so in one line."""
    ended = program("serve", TELEPORT_ANONYMOUS_TELEMETRY="1")
    assert (ended.returncode, ended.stderr) == (
        2,
        "otel-tbot: serve needs Linux or macOS; every other command works on Windows too\n",
    )


def test_api(python: Program, receiver: OTLPReceiver) -> None:
    """The public API, the exporters, the sampler, the processor and the resource detector work as on POSIX."""
    code = """\
import os
import re
import otel_tbot
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
event = otel_tbot.StartEvent.from_command(["tbot", "start", "-c", "tbot.yaml"], version="18.2.3")
assert otel_tbot.send(event).status == "sent"
resource = otel_tbot.SessionResourceDetector().detect()
loggers = LoggerProvider(resource=resource)
exporter = SimpleLogRecordProcessor(otel_tbot.AnonymousLogExporter())
loggers.add_log_record_processor(otel_tbot.OptInLogRecordProcessor(exporter))
otel_tbot.emit(event, logger_provider=loggers)
tracers = TracerProvider(sampler=otel_tbot.OptInSampler())
tracers.add_span_processor(SimpleSpanProcessor(otel_tbot.AnonymousSpanExporter()))
otel_tbot.emit_span(event, tracer_provider=tracers)
loggers.shutdown()
tracers.shutdown()
"""
    ended = python(code, {"TELEPORT_ANONYMOUS_TELEMETRY": "1", **otlp_variables(receiver)})
    assert (ended.returncode, ended.stderr) == (0, "")
    assert (len(receiver.log_records), len(receiver.spans)) == (2, 1)


def test_run_off(program: Program) -> None:
    """`run` starts tbot with our streams and ends with its status; without consent it says nothing."""
    ended = program("run", "tbot", "start", "-c", "tbot.yaml")
    assert (ended.returncode, ended.stdout, ended.stderr) == (7, "out start -c tbot.yaml\n", "error\n")


def test_run_on(program: Program, receiver: OTLPReceiver) -> None:
    """With consent, `run` prints its notice and sends the event."""
    environ = {"TELEPORT_ANONYMOUS_TELEMETRY": "1", **otlp_variables(receiver)}
    ended = program("run", "tbot", "start", "-c", "tbot.yaml", **environ)
    assert (ended.returncode, ended.stdout) == (7, "out start -c tbot.yaml\n")
    assert ended.stderr.count("otel-tbot: reporting this start") == 1
    receiver.wait_for_requests(1, timeout=30)
    assert receiver.log_records[0].attributes["tbot.version"] == VERSION


def test_run_other_command(program: Program, receiver: OTLPReceiver) -> None:
    """A command of tbot's other than `start` is not reported."""
    environ = {"TELEPORT_ANONYMOUS_TELEMETRY": "1", **otlp_variables(receiver)}
    ended = program("run", "tbot", "configure", **environ)
    assert (ended.returncode, ended.stdout, ended.stderr) == (7, "out configure\n", "error\n")
    assert receiver.requests == []


def test_run_does_not_wait(program: Program, tmp_path: Path) -> None:
    """`run` ends with tbot, even if the backend never answers; tbot does not wait either."""
    shell_script(tmp_path / "bin", "exit 0")
    with black_hole() as port:
        environ = {"TELEPORT_ANONYMOUS_TELEMETRY": "1", "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"}
        began = time.monotonic()
        ended = program("run", "--timeout", "20", "tbot", "start", **environ)
    assert ended.returncode == 0
    assert time.monotonic() - began < 15


def test_supervise(program: Program, receiver: OTLPReceiver) -> None:
    """With `--supervise`, `run` ends only when the event has been sent."""
    environ = {"TELEPORT_ANONYMOUS_TELEMETRY": "1", **otlp_variables(receiver)}
    ended = program("run", "--supervise", "tbot", "start", **environ)
    assert ended.returncode == 7
    assert len(receiver.log_records) == 1


def test_supervise_reports_a_failure(program: Program) -> None:
    """With `--supervise`, a failure is one line after tbot's output."""
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_TIMEOUT": "12"}
    environ = {"TELEPORT_ANONYMOUS_TELEMETRY": "1", **variables}
    ended = program("run", "--supervise", "tbot", "start", **environ)
    assert ended.returncode == 7
    assert ended.stderr.splitlines()[-1].startswith(
        "otel-tbot: this start of tbot was not reported: connection refused"
    )


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "carrier pigeon"}, "OTEL_EXPORTER_OTLP_ENDPOINT must be a URL"),
        ({"TELEPORT_ANONYMOUS_TELEMETRY": "true"}, "TELEPORT_ANONYMOUS_TELEMETRY is not exactly 1"),
    ],
)
def test_nothing_can_be_sent(program: Program, environ: dict[str, str], reason: str) -> None:
    """If it is known beforehand that nothing can be sent, a line says so instead of the notice."""
    ended = program("run", "tbot", "start", **{"TELEPORT_ANONYMOUS_TELEMETRY": "1", **environ})
    assert ended.returncode == 7
    own, *others = sorted(ended.stderr.splitlines(), reverse=True)
    assert own.startswith(f"otel-tbot: this start of tbot is not reported: {reason}")
    assert others == ["error"]


def test_outcome_fd(program: Program) -> None:
    """`--outcome-fd` is refused in one line."""
    ended = program("run", "--outcome-fd", "3", "tbot", "start")
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "--outcome-fd" in ended.stderr


def test_supervise_has_a_limit() -> None:
    """`--supervise` waits for a sender up to the timeout of the delivery, and ends one that hangs."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as sender:
        without_fork._wait_for_sender(sender, time.monotonic() + 0.2)
        assert sender.wait(10) != 0


def test_sender_has_a_limit(python: Program) -> None:
    """A sender that hangs ends by itself if no process waits for it."""
    code = """\
import time
from otel_tbot.launcher import worker, without_fork
worker.report = lambda *_: time.sleep(60)
without_fork.main(str(time.monotonic() + 0.2), "tbot", "start")
"""
    assert python(code).returncode == 1


def test_sender_has_the_deadline_of_its_parent(python: Program) -> None:
    """A sender delivers in the time that is left, which may be less than the timeout, and reports a failure in time."""
    code = """\
import time
from otel_tbot.launcher import without_fork
without_fork._RESULT_SECONDS = 5
without_fork.main(str(time.monotonic() + 12), "--timeout", "20", "tbot", "start")
"""
    with black_hole() as port:
        environ = {"TELEPORT_ANONYMOUS_TELEMETRY": "1", "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"}
        ended = python(code, environ)
    assert ended.returncode == 0
    assert ended.stdout


def test_supervise_reports_a_sender_that_fails(python: Program) -> None:
    """With `--supervise`, a sender that ends without a result is reported, too."""
    code = """\
from otel_tbot.__main__ import main
from otel_tbot.launcher import without_fork
usual = without_fork.python_command
def failing(*arguments):
    *command, code = usual(*arguments)
    return [*command, "import otel_tbot.launcher.worker as worker; worker.report = None; " + code]
without_fork.python_command = failing
main("run", "--supervise", "tbot", "start")
"""
    ended = python(code, {"TELEPORT_ANONYMOUS_TELEMETRY": "1"})
    assert ended.returncode == 7
    assert ended.stderr.splitlines()[-1] == f"otel-tbot: this start of tbot was not reported: {NO_RESULT}"


@pytest.mark.parametrize(
    ("words", "status"),
    [(("missing", "start"), 127), (("./missing", "start"), 127), (("",), 127), (("--no-such-option", "tbot"), 2)],
    ids=str,
)
def test_run_without_a_tbot(program: Program, words: tuple[str, ...], status: int) -> None:
    """A missing executable gives one line and the exit status of a shell."""
    ended = program("run", *words)
    assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (status, "", 1)


def test_broken_program(program: Program, tmp_path: Path) -> None:
    """A file that is not a program gives one line and the exit status of a shell."""
    (tmp_path / "bin" / "tbot").write_bytes(b"\x7fELF")
    ended = program("run", "tbot", "start")
    assert (ended.returncode, len(ended.stderr.splitlines())) == (126, 1)


def test_interrupt(tmp_path: Path) -> None:
    """Ctrl-C reaches tbot and `run` alike; tbot decides, and `run` ends with its status."""
    path = shell_script(tmp_path / "bin", f"trap 'exit 9' INT; : >{tmp_path}/ready; while :; do sleep 0.1; done")
    # SIGINT may be ignored by the caller of the tests, which a shell cannot undo.
    default = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = f"{default}; from otel_tbot.__main__ import main; main('run', {str(path)!r}, 'start')"
    command = [*without_posix.python(tmp_path), code]
    with subprocess.Popen(command, env={"PATH": os.environ["PATH"]}, start_new_session=True) as started:
        wait_until((tmp_path / "ready").exists, "tbot runs")
        os.killpg(started.pid, signal.SIGINT)
        assert started.wait(30) == 9


@pytest.mark.parametrize(("code", "status"), [(0, 0), (7, 7), (0x7FFFFFFF, 0x7FFFFFFF), (0xC000013A, -1073741510)])
def test_exit_status(code: int, status: int) -> None:
    """A Windows exit status above the range of a C int is passed on as the same 32 bits."""
    assert without_fork.exit_status(code) == status
