"""The environments in which tbot is started: hostile, broken, limited or unusual."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from functools import cache, partial
from itertools import chain, combinations
from typing import TYPE_CHECKING

from tests.promises.tbot_process import StartEnvironment, preparing_command
from tests.support.black_hole import black_hole
from tests.support.program import SOURCE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

# The maximum length of a string of the environment or the command line, with its name and final NUL (execve(2)).
_LONGEST_STRING = 128 * 1024
# With a stack of this size, Linux accepts 6 MiB of arguments and environment, its maximum.
_LARGE_STACK = 64 * 1024 * 1024
_LARGEST_ENVIRONMENT = 5 * 1024 * 1024
_TIGHT_MEMORY = 16 * 1024 * 1024  # bytes in addition to what an interpreter needs
_STDERR = 2
_EXPORTER = "import opentelemetry.exporter.otlp.proto.http._log_exporter"

# Adds entries that Python itself cannot put into an environment; execs by the C library instead of the usual last step.
_WITH_UNUSUAL_ENTRIES = """
import ctypes
def array(parts):
    return (ctypes.c_char_p * (len(parts) + 1))(*parts)
entries = [name + b"=" + value for name, value in os.environb.items()]
unusual = [b"no equals sign", b"TWICE=1", b"TWICE=2", b"=C:=value", b"", b"\\xff=\\xfe"]
words = list(map(os.fsencode, sys.argv[1:]))
ctypes.CDLL(None).execve(words[0], array(words), array(unusual + entries + unusual))
sys.exit(99)
"""


def _plain(_: Path) -> StartEnvironment:
    return StartEnvironment()


def _variables(_: Path, environ: dict[str, str]) -> StartEnvironment:
    return StartEnvironment(environ=environ)


def _prepared(_: Path, code: str) -> StartEnvironment:
    return StartEnvironment(prepare=code)


def _limited(name: str, number: int) -> str:
    return f"resource.setrlimit(resource.{name}, ({number}, resource.getrlimit(resource.{name})[1]))"


def _library(folder: Path, *, name: str = "opentelemetry", code: str) -> StartEnvironment:
    """Put a module with this name and code in front of all others."""
    directory = folder / "library" / name
    directory.mkdir(parents=True)
    (directory / "__init__.py").write_text(code)
    return StartEnvironment(environ={"PYTHONPATH": f"{directory.parent}:{SOURCE}"})


def _shadowed_standard_library(folder: Path) -> StartEnvironment:
    directory = folder / "library"
    directory.mkdir()
    for name in ("select", "socket", "logging", "dataclasses", "time", "uuid", "subprocess"):
        (directory / f"{name}.py").write_text("raise RuntimeError('canary')")
    environ = {"PYTHONPATH": f"{directory}:{SOURCE}"}
    # Of these, the launcher only loads `select`, which some interpreters have built in: then only the sender fails.
    if "select" in sys.builtin_module_names:
        return StartEnvironment(environ=environ)
    return StartEnvironment(environ=environ, lines=(0,), always_execs=True)


def _configuration(folder: Path, make: Callable[[Path], object]) -> StartEnvironment:
    """Name a configuration file of tbot that `make` creates."""
    file = folder / "tbot.yaml"
    make(file)
    return StartEnvironment(arguments=("-c", str(file)), always_execs=not file.exists())


def _arguments(_: Path, arguments: Sequence[bytes]) -> StartEnvironment:
    return StartEnvironment(arguments=tuple(map(os.fsdecode, arguments)))


def _nonsense_settings(_: Path) -> StartEnvironment:
    names = ("ENDPOINT", "PROTOCOL", "HEADERS", "TIMEOUT", "COMPRESSION", "CERTIFICATE", "CLIENT_KEY", "INSECURE")
    every = {f"OTEL_EXPORTER_OTLP_{signal_}{name}" for signal_ in ("", "LOGS_", "TRACES_") for name in names}
    every |= {"OTEL_TBOT_SIGNAL", "OTEL_ATTRIBUTE_COUNT_LIMIT", "OTEL_LOG_LEVEL", "OTEL_PROPAGATORS"}
    every |= {"OTEL_PYTHON_CONTEXT", "OTEL_PYTHON_ID_GENERATOR", "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS"}
    return StartEnvironment(environ=dict.fromkeys(every, "\x1b[31mnon\nsense\udcff"), always_execs=True)


def _large_environment(_: Path) -> StartEnvironment:
    number, length = _LARGEST_ENVIRONMENT // _LONGEST_STRING, _LONGEST_STRING - len("LARGE_00=") - 1
    large = f"os.environ.update({{f'LARGE_{{number:02}}': 'x' * {length} for number in range({number})}})"
    return StartEnvironment(prepare=f"{_limited('RLIMIT_STACK', _LARGE_STACK)}\n{large}")


@cache
def interpreter_memory_limit() -> int:
    """Return a memory limit under which the interpreter starts but cannot load an exporter of OpenTelemetry."""
    peak = "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmPeak')))"
    bare = subprocess.run([sys.executable, "-c", peak], check=True, capture_output=True)
    limit = int(bare.stdout) * 1024 + _TIGHT_MEMORY
    attempt = subprocess.run(
        [*preparing_command(_limited("RLIMIT_AS", limit)), sys.executable, "-c", _EXPORTER],
        check=False,
        capture_output=True,
    )
    assert attempt.returncode != 0
    return limit


@cache
def interpreter_descriptor_limit() -> int:
    """Return the lowest descriptor limit under which the interpreter starts and runs a module."""
    for limit in range(4, 20):
        command = [*preparing_command(_limited("RLIMIT_NOFILE", limit)), sys.executable, "-m", "this"]
        if subprocess.run(command, check=False, capture_output=True).returncode == 0:
            return limit
    message = "the interpreter does not start"
    raise AssertionError(message)


def _little_memory(_: Path) -> StartEnvironment:
    return StartEnvironment(prepare=_limited("RLIMIT_AS", interpreter_memory_limit()))


def _deleted_folder(folder: Path) -> StartEnvironment:
    directory = str(folder / "gone")
    return StartEnvironment(prepare=f"os.mkdir({directory!r}); os.chdir({directory!r}); os.rmdir({directory!r})")


def _nowhere_to_write(_: Path) -> StartEnvironment:
    # Not even root can write there.
    return StartEnvironment(
        options={"cwd": "/proc"}, environ=dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME"), "/proc")
    )


def _full_stream(_: Path, number: int) -> StartEnvironment:
    code = f"os.dup2(os.open('/dev/full', os.O_WRONLY), {number})"
    return StartEnvironment(prepare=code, lines=(0,) if number == _STDERR else (1,))


def _closed_streams(_: Path, numbers: tuple[int, ...]) -> StartEnvironment:
    code = "\n".join(f"os.close({number})" for number in numbers)
    return StartEnvironment(prepare=code, lines=(0,) if _STDERR in numbers else (1,))


def _silent_backend(_: Path) -> StartEnvironment:
    return StartEnvironment(environ={"OTEL_EXPORTER_OTLP_ENDPOINT": _black_hole()})


_open_sockets = ExitStack()  # open until the test process ends


@cache
def _black_hole() -> str:
    return f"http://127.0.0.1:{_open_sockets.enter_context(black_hole())}"


_PROCESS_ATTRIBUTES = """
os.umask(0o027)
os.nice(3)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGTERM})
for number in (signal.SIGHUP, signal.SIGCHLD, signal.SIGALRM):
    signal.signal(number, signal.SIG_IGN)
"""
_STREAM_COMBINATIONS = chain.from_iterable(combinations((0, 1, 2), number) for number in (1, 2, 3))

_PYTHON = {
    "PYTHONWARNINGS": "error",
    "PYTHONOPTIMIZE": "2",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONIOENCODING": "ascii:strict",
    "PYTHONUTF8": "0",
    "PYTHONDEVMODE": "1",
    "PYTHONFAULTHANDLER": "1",
    "PYTHONTRACEMALLOC": "5",
    "PYTHONMALLOC": "debug",
    "PYTHONSAFEPATH": "1",
    "PYTHONSTARTUP": "/no/such/file",
    "PYTHONPYCACHEPREFIX": "/no/such/folder",
    "PYTHONBREAKPOINT": "no.such",
    "PYTHONINTMAXSTRDIGITS": "640",
}

START_ENVIRONMENTS: dict[str, Callable[[Path], StartEnvironment]] = {
    "nothing special": _plain,
    # OpenTelemetry is broken.
    "OpenTelemetry raises": partial(_library, code="raise RuntimeError('canary')"),
    "OpenTelemetry exits": partial(_library, code="import os; print('canary', flush=True); os._exit(3)"),
    "OpenTelemetry never ends": partial(_library, code="import time\nwhile True: time.sleep(60)"),
    "OpenTelemetry crashes": partial(_library, code="import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"),
    "OpenTelemetry kills its group": partial(_library, code="import os, signal; os.killpg(0, signal.SIGKILL)"),
    "YAML exits": partial(_library, name="yaml", code="raise SystemExit('canary')"),
    "standard library is shadowed": _shadowed_standard_library,
    # The configuration or the backend is unusable.
    "configuration is missing": partial(_configuration, make=lambda _: None),
    "configuration is not text": partial(_configuration, make=lambda file: file.write_bytes(bytes(range(256)))),
    "configuration is a folder": partial(_configuration, make=lambda file: file.mkdir()),
    "configuration is a silent pipe": partial(_configuration, make=os.mkfifo),
    "command line is unknown": partial(_arguments, arguments=[b"--no-such-flag", b"--config"]),
    "invalid settings": _nonsense_settings,
    "backend is silent": _silent_backend,
    "unknown host name": partial(_variables, environ={"OTEL_EXPORTER_OTLP_ENDPOINT": "http://no.such.host.invalid"}),
    "invalid proxy": partial(
        _variables, environ={"HTTP_PROXY": "nonsense://", "ALL_PROXY": "::", "NO_PROXY": "\udcff"}
    ),
    # Arguments and variables that are passed on.
    "unusual arguments": partial(
        _arguments, arguments=[b"", b"--supervise", b"--", b"\xff\xfe", b"a\nb", b"x" * (_LONGEST_STRING - 1)]
    ),
    "many arguments": partial(_arguments, arguments=[str(number).encode() for number in range(10_000)]),
    "unusual values": partial(
        _variables, environ={"EMPTY": "", "BREAK": "a\nb", "BYTES": "\udcff\udcc3(\udc80", "EQUALS": "=="}
    ),
    "large environment": _large_environment,
    "many variables": partial(_variables, environ={f"MANY_{number}": "" for number in range(10_000)}),
    "entries without a name": partial(_prepared, code=_WITH_UNUSUAL_ENTRIES),
    "unusual Python variables": partial(_variables, environ=_PYTHON),
    "PYTHONINSPECT": partial(_variables, environ={"PYTHONINSPECT": "1"}),
    "C locale": partial(_variables, environ={"LANG": "C", "PYTHONCOERCECLOCALE": "1"}),
    # Limits and attributes of the process.
    "file size limit of zero": partial(_prepared, code=_limited("RLIMIT_FSIZE", 0)),
    "few descriptors": partial(_prepared, code=_limited("RLIMIT_NOFILE", 16)),
    "little memory": _little_memory,
    "little stack": partial(_prepared, code=_limited("RLIMIT_STACK", 1024 * 1024)),
    "umask, niceness and signal masks": partial(_prepared, code=_PROCESS_ATTRIBUTES),
    # Folders and streams.
    "folder is deleted": _deleted_folder,
    "folders are not writable": _nowhere_to_write,
    "folders are missing": partial(_variables, environ=dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME"), "/no/such")),
    "stdout is full": partial(_full_stream, number=1),
    "stderr is full": partial(_full_stream, number=_STDERR),
    **{f"closed {numbers}": partial(_closed_streams, numbers=numbers) for numbers in _STREAM_COMBINATIONS},
}
