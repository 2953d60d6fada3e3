"""Without consent, nothing is loaded, printed or done except the exec of tbot."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.launcher.processes import PROGRAM, RUN, RunningProcess

# The modules loaded in addition to a bare interpreter's; tbot waits for each of them.
LOADED = {
    "__future__",
    "otel_tbot",
    "otel_tbot.__main__",
    "otel_tbot.launcher",
    "otel_tbot.launcher.arguments",
    "otel_tbot.launcher.execute",
    "otel_tbot.launcher.interpreter_state",
    "otel_tbot.launcher.run",
    "otel_tbot.launcher.signal_without_enums",
    "otel_tbot.opt_in",
}
OFF = [{}, {"TELEPORT_ANONYMOUS_TELEMETRY": "yes"}, {"TELEPORT_ANONYMOUS_TELEMETRY": "1", "DO_NOT_TRACK": "1"}]


def loaded(code: str, *arguments: str) -> set[str]:
    """Return the modules that an interpreter loads, as `-X importtime` lists them, until it execs another program."""
    return loaded_by("-c", code, *arguments)


def loaded_by(*program: str) -> set[str]:
    """Return the same for a program in any form."""
    command = [sys.executable, "-I", "-X", "importtime", *program]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stderr.splitlines()
    return {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}


@pytest.mark.parametrize("command", [["run", "/bin/echo", "start"], ["run", "--timeout=1", "--", "/bin/echo", "start"]])
def test_modules(command: list[str]) -> None:
    """No module is loaded beyond a bare interpreter's and the few needed to check consent and exec tbot."""
    for_the_option = {"otel_tbot.errors", "otel_tbot.timeout"} if "--timeout=1" in command else set()
    assert loaded(PROGRAM, *command) - loaded("import sys") <= LOADED | for_the_option


def test_modules_of_the_script() -> None:
    """The installed script loads no other module."""
    script = Path(sys.executable).with_name("otel-tbot")
    assert loaded_by(str(script), "run", "/bin/echo", "start") - loaded("import sys") <= LOADED


def test_modules_for_another_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """With consent, a command other than `start` loads one more module."""
    monkeypatch.setenv("TELEPORT_ANONYMOUS_TELEMETRY", "1")
    more = loaded(PROGRAM, "run", "/bin/echo", "version") - loaded("import sys")
    assert more <= LOADED | {"otel_tbot.launcher.subcommand_check"}


ORDINARY = {
    "OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector.example.com:4318/otlp",
    "OTEL_EXPORTER_OTLP_HEADERS": "api-key=0123abc,authorization=Bearer%20a.b-c_d",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
    "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
    "TBOT_CONFIG_PATH": "/dev/null",
}
ON = {
    "cgroup_limits",
    "container_main_process",
    "version_format",
    "outcome_fd",
    "precheck",
    "sender",
    "descriptors",
    "subcommand_check",
    "start_sender",
}


@pytest.mark.parametrize("environ", [{}, ORDINARY], ids=len)
def test_modules_with_consent(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """With consent and usual settings, no module for the sender is loaded before tbot runs."""
    for name, value in {**environ, "TELEPORT_ANONYMOUS_TELEMETRY": "1"}.items():
        monkeypatch.setenv(name, value)
    # If no process can be started, only the modules loaded before it are seen.
    no_process = "import os\ndef fork(): raise BlockingIOError(11, 'busy')\nos.fork = fork\n"
    of_the_launcher = {f"otel_tbot.launcher.{name}" for name in ON}
    allowed = LOADED | of_the_launcher | {"encodings.ascii", "errno", "gc", "select", "time"}
    allowed |= {"otel_tbot.errors", "otel_tbot.stderr", "otel_tbot.timeout"}
    assert loaded(no_process + PROGRAM, "run", "/bin/echo", "start") - loaded("import sys") <= allowed


@pytest.mark.parametrize("environ", OFF, ids=str)
def test_silence(environ: dict[str, str]) -> None:
    """Only tbot writes to stdout and stderr."""
    with RunningProcess([*RUN, "echo", "start"], environ) as started:
        assert started.finish() == (0, "start\n", "")


@pytest.mark.parametrize("value", ["true", "t", "TRUE"])
def test_value_that_only_tbot_accepts(value: str) -> None:
    """If only tbot itself reads the value as true, one line says that nothing is reported, and how to change that."""
    with RunningProcess([*RUN, "echo", "start"], {"TELEPORT_ANONYMOUS_TELEMETRY": value}) as started:
        status, output, errors = started.finish()
    assert (status, output) == (0, "start\n")
    assert errors == (
        "otel-tbot: this start of tbot is not reported: TELEPORT_ANONYMOUS_TELEMETRY is not exactly 1, "
        "though tbot itself reads this value as true; set it to 1 or to 0\n"
    )
    with RunningProcess([*RUN, "echo", "version"], {"TELEPORT_ANONYMOUS_TELEMETRY": value}) as started:
        assert started.finish() == (0, "version\n", "")


def test_another_command() -> None:
    """With consent, nothing is printed if tbot's command is not `start`."""
    with RunningProcess([*RUN, "echo", "version"], {"TELEPORT_ANONYMOUS_TELEMETRY": "1"}) as started:
        assert started.finish() == (0, "version\n", "")
        assert not started.others()


def test_supervision() -> None:
    """Without a sender, `--supervise` execs tbot as well."""
    with RunningProcess([*RUN, "--supervise", "sh", "-c", "echo $$"], {}) as started:
        assert started.finish()[1] == f"{started.pid}\n"


@pytest.mark.parametrize("command", [["start"], ["version"]])
def test_system_calls(tmp_path: Path, command: list[str]) -> None:
    """No process is started, no connection is opened, and nothing is written."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    consent = "0" if command == ["start"] else "1"
    log = tmp_path / "strace"
    tracing = [strace, "-f", "-qq", "-o", str(log), "-e", "trace=process,network,write,pwrite64,writev"]
    # Python writes byte code; without that, every write is ours.
    # Without HOME, Python asks the system for the user's home over a socket.
    for_python = {"PYTHONDONTWRITEBYTECODE": "1", "HOME": "/"}
    environ = {"TELEPORT_ANONYMOUS_TELEMETRY": consent, **for_python}
    with RunningProcess([*tracing, *RUN, "true", *command], environ) as started:
        assert started.finish() == (0, "", "")
    calls = [line.split(None, 1)[1].partition("(")[0] for line in log.read_text().splitlines()]
    assert set(calls) <= {"execve", "exit_group", "arch_prctl", "+++ exited with 0 +++"}
    assert len([line for line in log.read_text().splitlines() if " execve(" in line and "= 0" in line]) == 2


def test_interrupt() -> None:
    """Ctrl-C before tbot has started ends the process like it would end tbot, without a traceback."""
    interrupted = "import os, signal; os.access = lambda *_: os.kill(os.getpid(), signal.SIGINT)"
    with RunningProcess([sys.executable, "-c", f"{interrupted}; {PROGRAM}", "run", "echo", "start"], {}) as started:
        assert started.finish() == (-signal.SIGINT, "", "")


def test_help() -> None:
    """The help is printed like that of every command, with status 0."""
    with RunningProcess([*RUN, "--help"], {}) as started:
        status, output, errors = started.finish()
    assert (status, errors) == (0, "")
    assert "--supervise" in output
