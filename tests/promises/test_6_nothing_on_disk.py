"""Promise 6, nothing on disk: no file is ever written; only tbot's configuration is read.

Every command, the functions and the pipelines run in a `Place`: a home, a working directory and temporary folders that
are known to the last file, with a backend that is there and one that is not. Byte code is the interpreter's business:
it is reported to keep none. Three witnesses tell of each run, none of which believes another:

- the place itself: size, inode, times of change of every file and folder are as before;
- the interpreter's audit hook: nothing is opened to be written, and below the place nothing is read but what tbot's
  command line names;
- strace, where it is installed: the same of all system calls, those of C libraries and of children included.

Last, all of it runs where nothing can be written: not one byte to any file, and home and temporary folder missing; on
file systems that are read-only; and on one that is full.
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
from tests.promises.audit import INTERPRETERS_OWN, SOURCE, Audited, audited
from tests.promises.mounts import MOUNTS, REFUSALS, mounted
from tests.promises.system_calls import calls, strace
from tests.promises.watched_directory import VERSION, WatchedDirectory
from tests.support.collector import wait_until

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from otel_tbot.testing import OTLPReceiver

ON = {"TELEPORT_ANONYMOUS_TELEMETRY": "1"}
START = ("./tbot", "start", "-c", "tbot.yaml", "@arguments")
ROWS = json.dumps({"1": ON})
WITHIN = 20  # seconds that anything may take that is waited for


class Program(NamedTuple):
    """A program to run.

    Attributes:
        arguments: its arguments, after `otel-tbot`; or those of another module.
        statuses: its exit status with a backend, and without.
        sends: how many log records and spans arrive.
        signal: what it sends.
        protocol: how.
        module: the module that is run.
        environ: variables of its own.
        fails: whether it is run without a backend too.
    """

    arguments: tuple[str, ...]
    statuses: tuple[int, int] = (0, 0)
    sends: int = 0
    signal: str = "logs"
    protocol: str = "http/protobuf"
    module: str = "otel_tbot"
    environ: Mapping[str, str] = ON
    fails: bool = False


WAYS = "tests.promises.entry_points"
SENDING = {
    "emit a log record over HTTP": Program(("emit", *START), (0, 1), 1, fails=True),
    "emit a log record over gRPC": Program(("emit", *START), (0, 1), 1, protocol="grpc", fails=True),
    "emit a span over HTTP": Program(("emit", *START), (0, 1), 1, "traces"),
    "emit a span over gRPC": Program(("emit", *START), (0, 1), 1, "traces", "grpc"),
    "run": Program(("run", *START), (7, 7), 1, fails=True),
    "run, over gRPC": Program(("run", *START), (7, 7), 1, protocol="grpc"),
    "run, supervised": Program(("run", "--supervise", *START), (7, 7), 1),
    "send, in Python": Program(("send",), sends=1, module=WAYS),
    "pipelines over HTTP": Program(("in code",), sends=4, module=WAYS),
    "pipelines over gRPC": Program(("in code",), sends=4, protocol="grpc", module=WAYS),
    "pipelines by variables": Program(("configured",), sends=4, module=WAYS, fails=True),
}
SILENT = {
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
PROGRAMS = {**SENDING, **SILENT}
ALIVE, DEAD = 0, 1
RUNS = [
    *(pytest.param(program, ALIVE, id=name) for name, program in PROGRAMS.items()),
    *(pytest.param(program, DEAD, id=f"{name}, no backend") for name, program in SENDING.items() if program.fails),
]

# What the system's own libraries read: certificates, name lookup, locale, the number of processors.
SYSTEM = ("/bin/", "/dev/", "/etc/", "/lib", "/proc/", "/run/", "/sys/", "/usr/")
PACKAGES = (*INTERPRETERS_OWN, f"{sys.prefix}{os.sep}", f"{sys.base_prefix}{os.sep}")
# What would tell one machine from another.
IDENTITY = (
    "/etc/hostname",
    "/etc/machine-id",
    "/proc/sys/kernel/hostname",
    "/proc/sys/kernel/random/",
    "/sys/class/dmi/",
    "/sys/class/net/",
    "/sys/devices/virtual/dmi/",
)


# A limit that binds root too, and every child: a write to a file fails, one to a pipe or a socket does not.
WITHOUT_WRITING = ("sh", "-c", 'ulimit -f 0; exec "$@"', "sh")


@pytest.fixture
def place(tmp_path: Path) -> WatchedDirectory:
    """Make the place."""
    return WatchedDirectory(tmp_path)


def variables(program: Program, receiver: OTLPReceiver, backend: int) -> dict[str, str]:
    """Return what a program is reported by its environment, next to the folders of the place."""
    alive = receiver.grpc_endpoint if program.protocol == "grpc" else receiver.http_endpoint
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": alive if backend == ALIVE else "http://127.0.0.1:9",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "15" if backend == ALIVE else "1",
        "OTEL_EXPORTER_OTLP_PROTOCOL": program.protocol,
        "OTEL_TBOT_SIGNAL": program.signal,
        "OTEL_LOGS_EXPORTER": "tbot",
        "OTEL_TRACES_EXPORTER": "tbot",
        "OTEL_METRICS_EXPORTER": "none",
        **program.environ,
    }


def check_delivery(program: Program, receiver: OTLPReceiver, backend: int) -> None:
    """Check that all arrived that should have, so that nothing was proven about a program that did nothing."""
    expected = program.sends if backend == ALIVE else 0
    wait_until(lambda: len(receiver.log_records) + len(receiver.spans) >= expected, "all arrived", within=WITHIN)
    carried = [one.attributes for one in receiver.log_records] + [one.attributes for one in receiver.spans]
    assert len(carried) == expected
    if program.module == "otel_tbot":
        # It was read, and tbot was asked.
        assert [(one["tbot.join_type"], one["tbot.version"]) for one in carried] == [("github", VERSION)] * expected


def opened(ended: Audited, place: WatchedDirectory) -> set[str]:
    """Return the files that were opened by the account of the hook, from the root on."""
    return {os.path.normpath(place.work / event.path) for event in ended.events if event.path}


def unexpected(paths: Collection[str], place: WatchedDirectory) -> set[str]:
    """Return the files that a program has no business to read."""
    found = {path for path in paths if path.startswith((str(place.root), *IDENTITY))}
    found |= {path for path in paths if not path.startswith((*PACKAGES, *SYSTEM))}
    return found - place.readable


@pytest.mark.parametrize(("program", "backend"), RUNS)
def test_nothing_is_written(
    tmp_path: Path, place: WatchedDirectory, receiver: OTLPReceiver, program: Program, backend: int
) -> None:
    """Nothing at the place has changed, nothing was opened to be written, and only files named to tbot are read."""
    environ = {**place.environ, **variables(program, receiver, backend), "MARK": str(tmp_path)}
    ended = audited(
        tmp_path / "report", program.module, *program.arguments, environ=environ, cwd=place.work, stdin=ROWS
    )
    assert ended.status == program.statuses[backend], ended.stderr
    check_delivery(program, receiver, backend)
    wait_until(lambda: not procfs.alive(str(tmp_path)), "what was started has ended", within=WITHIN)
    assert place.changed() == {}
    assert [event for event in ended.events if event.is_write] == []
    assert unexpected(opened(ended, place), place) == set()


@pytest.mark.parametrize(("program", "backend"), RUNS)
def test_system_calls(
    tmp_path: Path, place: WatchedDirectory, receiver: OTLPReceiver, program: Program, backend: int
) -> None:
    """The system is never asked to write a file, nor to read one but the interpreter's, its own, and what tbot has."""
    log = tmp_path / "strace"
    tracing = strace(log)
    if tracing is None:
        pytest.skip("strace is not installed")
    environ = {**place.environ, **variables(program, receiver, backend)}
    ended = plainly([*tracing, *python(program)], environ, place.work)
    assert ended.returncode == program.statuses[backend], ended.stderr
    check_delivery(program, receiver, backend)
    assert place.changed() == {}
    seen = calls(log, place.work)
    assert [call.line for call in seen if call.is_write] == []
    # The shell opens the script that stands in for tbot.
    assert unexpected({call.path for call in seen if call.is_read}, place) <= {str(place.work / "tbot")}


@pytest.mark.parametrize("program", [pytest.param(program, id=name) for name, program in PROGRAMS.items()])
def test_where_nothing_can_be_written(
    tmp_path: Path, place: WatchedDirectory, receiver: OTLPReceiver, program: Program
) -> None:
    """All works where no file can take a byte, the home is none, and no temporary folder exists."""
    nowhere = {name: "/dev/null" if name == "HOME" else str(tmp_path / "missing") for name in place.environ}
    place.work.chmod(0o555)
    ended = plainly(
        [*WITHOUT_WRITING, *python(program)], {**nowhere, **variables(program, receiver, ALIVE)}, place.work
    )
    assert ended.returncode == program.statuses[ALIVE], ended.stderr
    check_delivery(program, receiver, ALIVE)


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize(
    "name", [name for name in SENDING if name.startswith(("emit a log", "send", "pipelines over"))]
)
def test_mounted(place: WatchedDirectory, receiver: OTLPReceiver, name: str, mount: str) -> None:
    """An event arrives from where every file system is read-only, and from where the only one is full."""
    program = SENDING[name]
    command = [*mounted(mount, place.root), *python(program)]
    ended = plainly(command, {**place.environ, **variables(program, receiver, ALIVE)}, place.work)
    assert ended.returncode == program.statuses[ALIVE], ended.stderr
    assert "failed" not in ended.stdout
    check_delivery(program, receiver, ALIVE)


@pytest.mark.parametrize("variable", ["PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"])
def test_byte_code(tmp_path: Path, place: WatchedDirectory, variable: str) -> None:
    """Where Python is reported to keep no byte code next to the modules, it keeps none in the demo's child either."""
    package = tmp_path / "source" / "otel_tbot"
    shutil.copytree(SOURCE / "otel_tbot", package, ignore=shutil.ignore_patterns("__pycache__"))
    environ = {"PYTHONPATH": str(package.parent), variable: str(tmp_path / "elsewhere")}
    command = [sys.executable, "-m", "otel_tbot", "demo"]
    ended = subprocess.run(
        command, env={"PATH": os.environ["PATH"], **environ}, cwd=place.work, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert list(package.rglob("__pycache__")) == []


def python(program: Program) -> list[str]:
    """Return the command line of a program without the hook."""
    return [sys.executable, "-m", program.module, *program.arguments]


def plainly(command: list[str], environ: Mapping[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command with these variables, and those that it takes to start Python."""
    python_s_own = {"PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE)}
    return subprocess.run(
        command, env={**python_s_own, **environ}, cwd=cwd, input=ROWS, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip


# From here on: that each of the witnesses can tell.

WRITERS = {
    "writes": "open('left', 'w').close()",
    "appends": "file = open('tbot.yaml', 'a'); file.write('#'); file.close()",
    "makes a folder": "import os; os.mkdir('left')",
    "leaves nothing behind": "import tempfile; tempfile.NamedTemporaryFile().close()",
    "renames": "import os; os.rename('.env', 'left')",
    "changes a mode": "import os; os.chmod('.env', 0o600)",
}
READERS = {
    "reads the home": "import os; open(os.path.expanduser('~/.netrc')).close()",
    "reads another configuration": "open('otel.yaml').close()",
    "reads the machine's id": "try: open('/etc/machine-id').close()\nexcept OSError: pass",
}
CULPRITS = [pytest.param(code, id=name) for name, code in {**WRITERS, **READERS}.items()]


@pytest.mark.parametrize("code", CULPRITS)
def test_the_hook_tells(tmp_path: Path, place: WatchedDirectory, code: str) -> None:
    """A program that does what is not to be done is reported by the hook, and by the place if it writes."""
    (tmp_path / "culprit.py").write_text(code)
    environ = {**place.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{SOURCE}"}
    ended = audited(tmp_path / "report", "culprit", cwd=place.work, environ=environ)
    assert ended.status == 0, ended.stderr
    writes = code in WRITERS.values()
    assert bool(place.changed()) == writes
    assert any(event.is_write for event in ended.events) == writes
    assert writes or unexpected(opened(ended, place), place) - {str(tmp_path / "culprit.py")}


@pytest.mark.parametrize("code", CULPRITS)
def test_strace_tells(tmp_path: Path, place: WatchedDirectory, code: str) -> None:
    """A program that does what is not to be done is reported by strace."""
    log = tmp_path / "strace"
    tracing = strace(log)
    if tracing is None:
        pytest.skip("strace is not installed")
    assert plainly([*tracing, sys.executable, "-c", code], place.environ, place.work).returncode == 0
    seen = calls(log, place.work)
    writes = code in WRITERS.values()
    assert any(call.is_write for call in seen) == writes
    assert writes or unexpected({call.path for call in seen if call.is_read}, place)


def test_the_limit_binds(place: WatchedDirectory) -> None:
    """Where nothing can be written, a program that writes one byte to a file fails."""
    command = [*WITHOUT_WRITING, sys.executable, "-c", WRITERS["appends"]]
    ended = plainly(command, place.environ, place.work)
    assert ended.returncode == 1
    assert "File too large" in ended.stderr


@pytest.mark.parametrize("mount", MOUNTS)
def test_the_mounts_bind(place: WatchedDirectory, mount: str) -> None:
    """Where a program runs so mounted, one that writes a byte to a new file of the place fails."""
    code = "with open('left', 'w') as file: file.write('#')"
    ended = plainly([*mounted(mount, place.root), sys.executable, "-c", code], place.environ, place.work)
    assert ended.returncode == 1
    assert REFUSALS[mount] in ended.stderr
