"""Promise 6, nothing on disk: no file is ever written; only tbot's configuration is read.

Every command, the functions and the pipelines run in a `WatchedDirectory`, which contains the home, the working
directory and the temporary folders, with a backend and without. Python itself is told to write no byte code. Three
independent checks apply to each run:

- size, inode and times of every file and folder in the directory are unchanged;
- the interpreter's audit hook: nothing is opened for writing, and in the directory nothing is read except what tbot's
  command line names;
- strace, where it is installed: the same for all system calls, including those of C libraries and children.

Finally everything runs where nothing can be written: with a file size limit of zero and without a home and a temporary
folder, on read-only file systems, and on a full one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.integration.launcher import procfs
from tests.promises.mounts import MOUNTS, WRITE_ERRORS, mount_command
from tests.promises.watched_directory import WatchedDirectory
from tests.support.audit import PYTHON_PATHS, SOURCE, AuditedProcess, run_audited
from tests.support.collector import wait_until
from tests.support.fake_tbot import VERSION
from tests.support.otlp_environment import endpoint_of
from tests.support.system_calls import read_calls, strace

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from otel_tbot.testing import OTLPReceiver

ON = {"TELEPORT_ANONYMOUS_TELEMETRY": "1"}
START = ("./tbot", "start", "-c", "tbot.yaml", "@arguments")
ROWS = json.dumps({"1": ON})
WAIT_TIMEOUT = 40  # seconds that a test waits at most


class Program(NamedTuple):
    """A program to run.

    Attributes:
        arguments: its arguments, after `otel-tbot` or after another module.
        statuses: its exit status with a backend, and without.
        sends: the number of log records and spans that arrive.
        signal: the signal that it sends.
        protocol: the protocol that it uses.
        module: the module that is run.
        environ: its own variables.
        fails: whether it is also run without a backend.
    """

    arguments: tuple[str, ...]
    statuses: tuple[int, int] = (0, 0)
    sends: int = 0
    signal: str = "logs"
    protocol: str = "http/protobuf"
    module: str = "otel_tbot"
    environ: Mapping[str, str] = ON
    fails: bool = False


ENTRY_POINTS = "tests.support.entry_points"
SENDING = {
    "emit a log record over HTTP": Program(("emit", *START), (0, 1), 1, fails=True),
    "emit a log record over gRPC": Program(("emit", *START), (0, 1), 1, protocol="grpc", fails=True),
    "emit a span over HTTP": Program(("emit", *START), (0, 1), 1, "traces"),
    "emit a span over gRPC": Program(("emit", *START), (0, 1), 1, "traces", "grpc"),
    "run": Program(("run", *START), (7, 7), 1, fails=True),
    "run, over gRPC": Program(("run", *START), (7, 7), 1, protocol="grpc"),
    "run, supervised": Program(("run", "--supervise", *START), (7, 7), 1),
    "send, in Python": Program(("send",), sends=1, module=ENTRY_POINTS),
    "pipelines over HTTP": Program(("in code",), sends=4, module=ENTRY_POINTS),
    "pipelines over gRPC": Program(("in code",), sends=4, protocol="grpc", module=ENTRY_POINTS),
    "pipelines by variables": Program(("configured",), sends=4, module=ENTRY_POINTS, fails=True),
}
NOT_SENDING = {
    "emit, off": Program(("emit", *START), environ={}),
    "run, off": Program(("run", *START), (7, 7), environ={}),
    "run, another command": Program(("run", "./tbot", "configure"), (7, 7)),
    "preview": Program(("preview", *START)),
    "preview of a log record": Program(("preview", "--format", "json", *START)),
    "preview of a span": Program(("preview", "--format", "json", *START), signal="traces"),
    "preview, off": Program(("preview", *START), environ={}),
    "preview of a bad configuration": Program(("preview", "./tbot", "start", "-c", "arguments"), (2, 2)),
    "status": Program(("status",)),
    "status as JSON": Program(("status", "--format", "json")),
    "schema": Program(("schema",)),
    "schema as JSON": Program(("schema", "--format", "json")),
    "schema as a page": Program(("schema", "--format", "markdown")),
    "demo": Program(("demo",), environ={}),
    "help": Program(("--help",)),
    "bad usage": Program(("emit",), (2, 2)),
}
PROGRAMS = {**SENDING, **NOT_SENDING}
AVAILABLE, UNAVAILABLE = 0, 1
RUNS = [
    *(pytest.param(program, AVAILABLE, id=name) for name, program in PROGRAMS.items()),
    *(
        pytest.param(program, UNAVAILABLE, id=f"{name}, no backend")
        for name, program in SENDING.items()
        if program.fails
    ),
]

# Not a file: by this the sender of `run` asks the kernel to end it first where memory runs out.
KERNEL_SETTING = "/proc/self/oom_score_adj"
# Read by the system's own libraries: certificates, name resolution, locale, the number of processors.
SYSTEM_PATHS = ("/bin/", "/dev/", "/etc/", "/lib", "/proc/", "/run/", "/sys/", "/usr/")
PACKAGE_PATHS = (*PYTHON_PATHS, f"{sys.prefix}{os.sep}", f"{sys.base_prefix}{os.sep}")
# Files that would identify the machine.
IDENTITY_FILES = (
    "/etc/hostname",
    "/etc/machine-id",
    "/proc/sys/kernel/hostname",
    "/proc/sys/kernel/random/",
    "/sys/class/dmi/",
    "/sys/class/net/",
    "/sys/devices/virtual/dmi/",
)


# A limit that also binds root and every child: writing to a file fails, writing to a pipe or a socket does not.
WITHOUT_WRITING = ("sh", "-c", 'ulimit -f 0; exec "$@"', "sh")


@pytest.fixture
def watched(tmp_path: Path) -> WatchedDirectory:
    """Create the watched directory."""
    return WatchedDirectory(tmp_path)


def variables(program: Program, receiver: OTLPReceiver, backend: int) -> dict[str, str]:
    """Return the variables of a program, without those of the watched directory."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint_of(receiver, program.protocol)
        if backend == AVAILABLE
        else "http://127.0.0.1:9",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "30" if backend == AVAILABLE else "1",
        "OTEL_EXPORTER_OTLP_PROTOCOL": program.protocol,
        "OTEL_TBOT_SIGNAL": program.signal,
        "OTEL_LOGS_EXPORTER": "tbot",
        "OTEL_TRACES_EXPORTER": "tbot",
        "OTEL_METRICS_EXPORTER": "none",
        **program.environ,
    }


def check_delivery(program: Program, receiver: OTLPReceiver, backend: int) -> None:
    """Check that everything arrived, so that the other checks are not about a program that did nothing."""
    expected = program.sends if backend == AVAILABLE else 0
    wait_until(lambda: len(receiver.log_records) + len(receiver.spans) >= expected, "all arrived", within=WAIT_TIMEOUT)
    attributes = [one.attributes for one in receiver.log_records] + [one.attributes for one in receiver.spans]
    assert len(attributes) == expected
    if program.module == "otel_tbot":
        # The configuration was read, and tbot was asked for its version.
        assert [(one["tbot.join_type"], one["tbot.version"]) for one in attributes] == [("github", VERSION)] * expected


def opened_files(ended: AuditedProcess, watched: WatchedDirectory) -> set[str]:
    """Return the absolute paths that the hook saw opened."""
    return {os.path.normpath(watched.work / event.path) for event in ended.events if event.path}


def unexpected_files(paths: Collection[str], watched: WatchedDirectory) -> set[str]:
    """Return the files that a program must not read."""
    found = {path for path in paths if path.startswith((str(watched.root), *IDENTITY_FILES))}
    found |= {path for path in paths if not path.startswith((*PACKAGE_PATHS, *SYSTEM_PATHS))}
    return found - watched.readable


@pytest.mark.parametrize(("program", "backend"), RUNS)
def test_nothing_is_written(
    tmp_path: Path, watched: WatchedDirectory, receiver: OTLPReceiver, program: Program, backend: int
) -> None:
    """Nothing in the directory changes, no file is opened for writing, and only files named to tbot are read."""
    environ = {**watched.environ, **variables(program, receiver, backend), "MARK": str(tmp_path)}
    ended = run_audited(
        tmp_path / "report", program.module, *program.arguments, environ=environ, cwd=watched.work, stdin=ROWS
    )
    assert ended.status == program.statuses[backend], ended.stderr
    check_delivery(program, receiver, backend)
    wait_until(lambda: not procfs.alive(str(tmp_path)), "all processes have ended", within=WAIT_TIMEOUT)
    assert watched.changed() == {}
    assert [event for event in ended.events if event.is_write and event.path != KERNEL_SETTING] == []
    assert unexpected_files(opened_files(ended, watched), watched) == set()


@pytest.mark.parametrize(("program", "backend"), RUNS)
def test_system_calls(
    tmp_path: Path, watched: WatchedDirectory, receiver: OTLPReceiver, program: Program, backend: int
) -> None:
    """No system call writes a file or reads one other than the interpreter's, the system's and those named to tbot."""
    log = tmp_path / "strace"
    tracing = strace(log)
    if tracing is None:
        pytest.skip("strace is not installed")
    environ = {**watched.environ, **variables(program, receiver, backend)}
    ended = run_plain([*tracing, *python(program)], environ, watched.work)
    assert ended.returncode == program.statuses[backend], ended.stderr
    check_delivery(program, receiver, backend)
    assert watched.changed() == {}
    system_calls = read_calls(log, watched.work)
    assert [call.line for call in system_calls if call.is_write and call.path != KERNEL_SETTING] == []
    # The shell opens the script of the fake tbot.
    assert unexpected_files({call.path for call in system_calls if call.is_read}, watched) <= {
        str(watched.work / "tbot")
    }


@pytest.mark.parametrize("program", [pytest.param(program, id=name) for name, program in PROGRAMS.items()])
def test_nothing_writable(tmp_path: Path, watched: WatchedDirectory, receiver: OTLPReceiver, program: Program) -> None:
    """Every command works where no file can be written, home is not a folder, and no temporary folder exists."""
    nowhere = {name: "/dev/null" if name == "HOME" else str(tmp_path / "missing") for name in watched.environ}
    watched.work.chmod(0o555)
    ended = run_plain(
        [*WITHOUT_WRITING, *python(program)], {**nowhere, **variables(program, receiver, AVAILABLE)}, watched.work
    )
    assert ended.returncode == program.statuses[AVAILABLE], ended.stderr
    check_delivery(program, receiver, AVAILABLE)


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize(
    "name", [name for name in SENDING if name.startswith(("emit a log", "send", "pipelines over"))]
)
def test_unwritable_file_systems(watched: WatchedDirectory, receiver: OTLPReceiver, name: str, mount: str) -> None:
    """An event is delivered from read-only file systems, and from a full one."""
    program = SENDING[name]
    command = [*mount_command(mount, watched.root), *python(program)]
    ended = run_plain(command, {**watched.environ, **variables(program, receiver, AVAILABLE)}, watched.work)
    assert ended.returncode == program.statuses[AVAILABLE], ended.stderr
    assert "failed" not in ended.stdout
    check_delivery(program, receiver, AVAILABLE)


@pytest.mark.parametrize("variable", ["PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"])
def test_byte_code(tmp_path: Path, watched: WatchedDirectory, variable: str) -> None:
    """If Python is told to write no byte code next to the modules, the child of `demo` writes none either."""
    package = tmp_path / "source" / "otel_tbot"
    shutil.copytree(SOURCE / "otel_tbot", package, ignore=shutil.ignore_patterns("__pycache__"))
    environ = {"PYTHONPATH": str(package.parent), variable: str(tmp_path / "elsewhere")}
    command = [sys.executable, "-m", "otel_tbot", "demo"]
    ended = subprocess.run(
        command, env={"PATH": os.environ["PATH"], **environ}, cwd=watched.work, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert list(package.rglob("__pycache__")) == []


def python(program: Program) -> list[str]:
    """Return the command line of a program without the hook."""
    return [sys.executable, "-m", program.module, *program.arguments]


def run_plain(command: list[str], environ: Mapping[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command with these variables, and those that Python needs."""
    python_s_own = {"PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE)}
    return subprocess.run(
        command, env={**python_s_own, **environ}, cwd=cwd, input=ROWS, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip


# The tests below prove that each of the checks can fail.

WRITERS = {
    "writes": "open('left', 'w').close()",
    "appends": "file = open('tbot.yaml', 'a'); file.write('#'); file.close()",
    "creates a folder": "import os; os.mkdir('left')",
    "deletes its file": "import tempfile; tempfile.NamedTemporaryFile().close()",
    "renames": "import os; os.rename('.env', 'left')",
    "changes a mode": "import os; os.chmod('.env', 0o600)",
}
READERS = {
    "reads the home": "import os; open(os.path.expanduser('~/.netrc')).close()",
    "reads another configuration": "open('otel.yaml').close()",
    "reads the machine's id": "try: open('/etc/machine-id').close()\nexcept OSError: pass",
}
OFFENDERS = [pytest.param(code, id=name) for name, code in {**WRITERS, **READERS}.items()]


@pytest.mark.parametrize("code", OFFENDERS)
def test_audit_hook_sees_offender(tmp_path: Path, watched: WatchedDirectory, code: str) -> None:
    """The hook sees forbidden reads and writes, and the watched directory sees the writes."""
    (tmp_path / "offender.py").write_text(code)
    environ = {**watched.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{SOURCE}"}
    ended = run_audited(tmp_path / "report", "offender", cwd=watched.work, environ=environ)
    assert ended.status == 0, ended.stderr
    writes = code in WRITERS.values()
    assert bool(watched.changed()) == writes
    assert any(event.is_write for event in ended.events) == writes
    assert writes or unexpected_files(opened_files(ended, watched), watched) - {str(tmp_path / "offender.py")}


@pytest.mark.parametrize("code", OFFENDERS)
def test_strace_sees_offender(tmp_path: Path, watched: WatchedDirectory, code: str) -> None:
    """Strace sees forbidden reads and writes."""
    log = tmp_path / "strace"
    tracing = strace(log)
    if tracing is None:
        pytest.skip("strace is not installed")
    assert run_plain([*tracing, sys.executable, "-c", code], watched.environ, watched.work).returncode == 0
    system_calls = read_calls(log, watched.work)
    writes = code in WRITERS.values()
    assert any(call.is_write for call in system_calls) == writes
    assert writes or unexpected_files({call.path for call in system_calls if call.is_read}, watched)


def test_file_size_limit_applies(watched: WatchedDirectory) -> None:
    """Under the file size limit, a program that writes one byte to a file fails."""
    command = [*WITHOUT_WRITING, sys.executable, "-c", WRITERS["appends"]]
    ended = run_plain(command, watched.environ, watched.work)
    assert ended.returncode == 1
    assert "File too large" in ended.stderr


@pytest.mark.parametrize("mount", MOUNTS)
def test_mounts_apply(watched: WatchedDirectory, mount: str) -> None:
    """On the mounted file systems, a program that writes one byte to a new file fails."""
    code = "with open('left', 'w') as file: file.write('#')"
    ended = run_plain([*mount_command(mount, watched.root), sys.executable, "-c", code], watched.environ, watched.work)
    assert ended.returncode == 1
    assert WRITE_ERRORS[mount] in ended.stderr
