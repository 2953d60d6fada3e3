"""Circumstances in which tbot is started: hostile, broken, tight or merely odd, each in a few lines."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from functools import cache, partial
from itertools import chain, combinations
from typing import TYPE_CHECKING

from tests.promises.tbot_process import StartEnvironment, prepared
from tests.support.black_hole import black_hole
from tests.support.program import SOURCE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

# A string of an environment or a command line may be this long, its name and its end included (execve(2)).
_LONGEST_STRING = 128 * 1024
# With a stack this large, Linux takes 6 MiB of arguments and environment, the most that it ever takes.
_LARGE_STACK = 64 * 1024 * 1024
_LARGEST_ENVIRONMENT = 5 * 1024 * 1024
_TIGHT_MEMORY = 16 * 1024 * 1024  # bytes beyond what a bare interpreter takes
_STDERR = 2
_EXPORTER = "import opentelemetry.exporter.otlp.proto.http._log_exporter"

# Exports entries that Python itself cannot put into an environment. It takes the place of the usual last step.
_WITH_ODD_ENTRIES = """
import ctypes
def array(parts):
    return (ctypes.c_char_p * (len(parts) + 1))(*parts)
entries = [name + b"=" + value for name, value in os.environb.items()]
odd = [b"no equals sign", b"TWICE=1", b"TWICE=2", b"=C:=odd", b"", b"\\xff=\\xfe"]
words = list(map(os.fsencode, sys.argv[1:]))
ctypes.CDLL(None).execve(words[0], array(words), array(odd + entries + odd))
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
    """Put a module of this name and code before all others."""
    place = folder / "library" / name
    place.mkdir(parents=True)
    (place / "__init__.py").write_text(code)
    return StartEnvironment(environ={"PYTHONPATH": f"{place.parent}:{SOURCE}"})


def _shadowed_standard_library(folder: Path) -> StartEnvironment:
    place = folder / "library"
    place.mkdir()
    for name in ("select", "socket", "logging", "dataclasses", "time", "uuid", "subprocess"):
        (place / f"{name}.py").write_text("raise RuntimeError('canary')")
    return StartEnvironment(environ={"PYTHONPATH": f"{place}:{SOURCE}"}, lines=(0,), in_place=True)


def _configuration(folder: Path, make: Callable[[Path], object]) -> StartEnvironment:
    """Name a configuration file of tbot's that was made so."""
    file = folder / "tbot.yaml"
    make(file)
    return StartEnvironment(arguments=("-c", str(file)))


def _arguments(_: Path, arguments: Sequence[bytes]) -> StartEnvironment:
    return StartEnvironment(arguments=tuple(map(os.fsdecode, arguments)))


def _nonsense_settings(_: Path) -> StartEnvironment:
    names = ("ENDPOINT", "PROTOCOL", "HEADERS", "TIMEOUT", "COMPRESSION", "CERTIFICATE", "CLIENT_KEY", "INSECURE")
    every = {f"OTEL_EXPORTER_OTLP_{signal_}{name}" for signal_ in ("", "LOGS_", "TRACES_") for name in names}
    every |= {"OTEL_TBOT_SIGNAL", "OTEL_ATTRIBUTE_COUNT_LIMIT", "OTEL_LOG_LEVEL", "OTEL_PROPAGATORS"}
    every |= {"OTEL_PYTHON_CONTEXT", "OTEL_PYTHON_ID_GENERATOR", "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS"}
    return StartEnvironment(environ=dict.fromkeys(every, "\x1b[31mnon\nsense\udcff"))


def _large_environment(_: Path) -> StartEnvironment:
    number, length = _LARGEST_ENVIRONMENT // _LONGEST_STRING, _LONGEST_STRING - len("LARGE_00=") - 1
    large = f"os.environ.update({{f'LARGE_{{number:02}}': 'x' * {length} for number in range({number})}})"
    return StartEnvironment(prepare=f"{_limited('RLIMIT_STACK', _LARGE_STACK)}\n{large}")


@cache
def memory_for_no_more_than_the_interpreter() -> int:
    """Return a limit under which the interpreter starts, and an exporter of OpenTelemetry cannot be loaded."""
    peak = "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmPeak')))"
    bare = subprocess.run([sys.executable, "-c", peak], check=True, capture_output=True)
    limit = int(bare.stdout) * 1024 + _TIGHT_MEMORY
    attempt = subprocess.run(
        [*prepared(_limited("RLIMIT_AS", limit)), sys.executable, "-c", _EXPORTER], check=False, capture_output=True
    )
    assert attempt.returncode != 0
    return limit


@cache
def descriptors_for_no_more_than_the_interpreter() -> int:
    """Return the lowest limit under which the interpreter starts and runs a module."""
    for limit in range(4, 20):
        command = [*prepared(_limited("RLIMIT_NOFILE", limit)), sys.executable, "-m", "this"]
        if subprocess.run(command, check=False, capture_output=True).returncode == 0:
            return limit
    message = "the interpreter does not start"
    raise AssertionError(message)


def _little_memory(_: Path) -> StartEnvironment:
    return StartEnvironment(prepare=_limited("RLIMIT_AS", memory_for_no_more_than_the_interpreter()))


def _gone(folder: Path) -> StartEnvironment:
    place = str(folder / "gone")
    return StartEnvironment(prepare=f"os.mkdir({place!r}); os.chdir({place!r}); os.rmdir({place!r})")


def _nowhere_to_write(_: Path) -> StartEnvironment:
    # Not even root can write there.
    return StartEnvironment(
        options={"cwd": "/proc"}, environ=dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME"), "/proc")
    )


def _full(_: Path, number: int) -> StartEnvironment:
    code = f"os.dup2(os.open('/dev/full', os.O_WRONLY), {number})"
    return StartEnvironment(prepare=code, lines=(0,) if number == _STDERR else (1,))


def _closed(_: Path, numbers: tuple[int, ...]) -> StartEnvironment:
    code = "\n".join(f"os.close({number})" for number in numbers)
    return StartEnvironment(prepare=code, lines=(0,) if _STDERR in numbers else (1,))


def _silent_backend(_: Path) -> StartEnvironment:
    return StartEnvironment(environ={"OTEL_EXPORTER_OTLP_ENDPOINT": _black_hole()})


_kept = ExitStack()  # while the tests last


@cache
def _black_hole() -> str:
    return f"http://127.0.0.1:{_kept.enter_context(black_hole())}"


_MANNERS = """
os.umask(0o027)
os.nice(3)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGTERM})
for number in (signal.SIGHUP, signal.SIGCHLD, signal.SIGALRM):
    signal.signal(number, signal.SIG_IGN)
"""
_CLOSED = chain.from_iterable(combinations((0, 1, 2), number) for number in (1, 2, 3))

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

CIRCUMSTANCES: dict[str, Callable[[Path], StartEnvironment]] = {
    "nothing special": _plain,
    # OpenTelemetry is broken.
    "OpenTelemetry raises": partial(_library, code="raise RuntimeError('canary')"),
    "OpenTelemetry exits": partial(_library, code="import os; print('canary', flush=True); os._exit(3)"),
    "OpenTelemetry never ends": partial(_library, code="import time\nwhile True: time.sleep(60)"),
    "OpenTelemetry crashes": partial(_library, code="import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"),
    "OpenTelemetry kills its group": partial(_library, code="import os, signal; os.killpg(0, signal.SIGKILL)"),
    "YAML exits": partial(_library, name="yaml", code="raise SystemExit('canary')"),
    "standard library is shadowed": _shadowed_standard_library,
    # The configuration cannot be used, or the backend is none.
    "configuration is missing": partial(_configuration, make=lambda _: None),
    "configuration is no text": partial(_configuration, make=lambda file: file.write_bytes(bytes(range(256)))),
    "configuration is a folder": partial(_configuration, make=lambda file: file.mkdir()),
    "configuration is a silent pipe": partial(_configuration, make=os.mkfifo),
    "command line is unknown": partial(_arguments, arguments=[b"--no-such-flag", b"--config"]),
    "settings are nonsense": _nonsense_settings,
    "backend is silent": _silent_backend,
    "backend has no address": partial(
        _variables, environ={"OTEL_EXPORTER_OTLP_ENDPOINT": "http://no.such.host.invalid"}
    ),
    "proxy is nonsense": partial(
        _variables, environ={"HTTP_PROXY": "nonsense://", "ALL_PROXY": "::", "NO_PROXY": "\udcff"}
    ),
    # What is forwarded.
    "arguments are odd": partial(
        _arguments, arguments=[b"", b"--supervise", b"--", b"\xff\xfe", b"a\nb", b"x" * (_LONGEST_STRING - 1)]
    ),
    "many arguments": partial(_arguments, arguments=[str(number).encode() for number in range(10_000)]),
    "values are odd": partial(
        _variables, environ={"EMPTY": "", "BREAK": "a\nb", "BYTES": "\udcff\udcc3(\udc80", "EQUALS": "=="}
    ),
    "large environment": _large_environment,
    "many variables": partial(_variables, environ={f"MANY_{number}": "" for number in range(10_000)}),
    "entries that are no variables": partial(_prepared, code=_WITH_ODD_ENTRIES),
    "odd Python": partial(_variables, environ=_PYTHON),
    "Python that inspects": partial(_variables, environ={"PYTHONINSPECT": "1"}),
    "C locale": partial(_variables, environ={"LANG": "C", "PYTHONCOERCECLOCALE": "1"}),
    # What the system allows.
    "files may have no byte": partial(_prepared, code=_limited("RLIMIT_FSIZE", 0)),
    "few descriptors": partial(_prepared, code=_limited("RLIMIT_NOFILE", 16)),
    "little memory": _little_memory,
    "little stack": partial(_prepared, code=_limited("RLIMIT_STACK", 1024 * 1024)),
    "umask, niceness and signals": partial(_prepared, code=_MANNERS),
    # Where it is, and where it writes.
    "folder is deleted": _gone,
    "folders cannot be written to": _nowhere_to_write,
    "folders are missing": partial(_variables, environ=dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME"), "/no/such")),
    "stdout is full": partial(_full, number=1),
    "stderr is full": partial(_full, number=_STDERR),
    **{f"closed {numbers}": partial(_closed, numbers=numbers) for numbers in _CLOSED},
}
