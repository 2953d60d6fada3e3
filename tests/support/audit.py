"""Run a module in a child process and record what it does to the outside world, by an audit hook (PEP 578).

The hook is in place before the first line of the program, is inherited by every fork, and cannot be removed. Code in C
(gRPC, OpenSSL, the C library) does not report to the hook: tests that depend on it also check what arrives at a
socket, the files themselves, or strace.
"""

from __future__ import annotations

import _thread
import json
import os
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

SOURCE = Path(__file__).parents[2]
_TIMEOUT = 60  # seconds, far above what any program here takes

# Where Python loads from: its own library, packages, this package, and the programs of these tests.
PYTHON_PATHS = tuple(
    {
        *(sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")),
        f"{SOURCE / 'otel_tbot'}{os.sep}",
        f"{SOURCE / 'tests' / 'promises'}{os.sep}",
        f"{SOURCE / 'tests' / 'support'}{os.sep}",
    }
)
_PROCESSES = {
    "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "pty.spawn", "subprocess.Popen",
}  # fmt: skip
_THREADS = {"_thread.start_joinable_thread", "_thread.start_new_thread"}
_CHANGES = {
    "os.chflags", "os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.removexattr", "os.rename",
    "os.rmdir", "os.setxattr", "os.symlink", "os.truncate", "os.utime", "sqlite3.connect", "tempfile.mkdtemp",
    "tempfile.mkstemp",
}  # fmt: skip
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Event(NamedTuple):
    """One audit event.

    Attributes:
        label: the label that the program set last by `set_label`; empty before the first.
        name: the name of the audit event.
        arguments: its arguments; those without a JSON form are converted to text.
    """

    label: str
    name: str
    arguments: list[object]

    @property
    def is_network(self) -> bool:
        """Whether a socket was created or used, or a host name looked up."""
        return self.name.startswith("socket.")

    @property
    def is_process(self) -> bool:
        """Whether a process was started or replaced."""
        return self.name in _PROCESSES

    @property
    def is_thread(self) -> bool:
        """Whether a thread was started."""
        return self.name in _THREADS

    @property
    def is_opentelemetry(self) -> bool:
        """Whether a module of OpenTelemetry was imported or opened."""
        return self.name == "import" or f"{os.sep}opentelemetry{os.sep}" in self.path

    @property
    def path(self) -> str:
        """The path of the opened file; empty for other events, and where a descriptor was opened."""
        return str(self.arguments[0]) if self.name == "open" and not isinstance(self.arguments[0], int) else ""

    @property
    def is_unexpected_file(self) -> bool:
        """Whether a file was opened that is not the interpreter's, a package's or the null device."""
        # When Python has set LC_CTYPE at its start, `run` reads the original value from its environment block.
        return bool(self.path) and not self.path.startswith((*PYTHON_PATHS, os.devnull, "/proc/self/environ"))

    @property
    def is_write(self) -> bool:
        """Whether a file was opened for writing or changed in any way; the null device does not count."""
        if self.name in _CHANGES:
            return True
        mode, flags = self.arguments[1:3] if self.path not in {"", os.devnull} else ("", 0)
        return bool(set(str(mode or "")) & set("wax+") or (isinstance(flags, int) and flags & _WRITING))


class AuditedProcess(NamedTuple):
    """A finished process.

    Attributes:
        status: its exit status.
        stdout: its standard output.
        stderr: its standard error.
        report: the file that the hook writes; forks that outlive the process continue to write it.
    """

    status: int
    stdout: str
    stderr: str
    report: Path

    @property
    def events(self) -> list[Event]:
        """The audit events of the process and its forks so far."""
        # `splitlines` would also split at rare line separators, which JSON does not escape. A fork may be writing the
        # last line.
        return [Event(*json.loads(line)) for line in self.report.read_text().split("\n")[:-1]]


def run_audited(
    report: Path,
    module: str,
    *arguments: str,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str = "",
) -> AuditedProcess:
    """Run a module like `python -m`, under the hook, until it ends.

    Args:
        report: the file for the hook to write.
        module: the name of the module.
        arguments: the arguments of the program.
        environ: variables in addition to `PATH`, `PYTHONPATH` and `PYTHONDONTWRITEBYTECODE`.
        cwd: the working directory.
        stdin: the standard input.
    """
    import subprocess  # noqa: PLC0415  loads `threading`, before which the hook must be in place in the child

    # The hook adds no variable, so that programs started by the module see an ordinary environment.
    variables = {"PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE)}
    command = [sys.executable, "-m", "tests.support.audit", str(report), module, *arguments]
    ended = subprocess.run(
        command, env={**variables, **(environ or {})}, cwd=cwd, input=stdin, capture_output=True, text=True,
        timeout=_TIMEOUT, check=False,
    )  # fmt: skip
    return AuditedProcess(ended.returncode, ended.stdout, ended.stderr, report)


def set_label(label: str) -> str:
    """Set the label of all further events of this process, and return the previous one."""
    global _label  # state of this process's hook
    before, _label = _label, label
    return before


_label = ""


def _install(report: str) -> None:
    """Add the hook, which cannot be removed."""
    thread = _thread._local()

    def hook(name: str, arguments: tuple[object, ...]) -> None:
        # The hook ignores its own events, which would recurse without end.
        if not _is_relevant(name, arguments) or getattr(thread, "in_hook", False):
            return
        thread.in_hook = True
        try:
            # Opened each time, because the sender of `run` closes all inherited descriptors.
            file = os.open(report, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(file, json.dumps([_label, name, [_to_json(one) for one in arguments]]).encode() + b"\n")
            os.close(file)
        finally:
            thread.in_hook = False

    sys.addaudithook(hook)
    if sys.version_info < (3, 13):
        _audit_threads()


def _audit_threads() -> None:
    """Raise an audit event when a thread is started, as Python 3.13 does by itself."""
    start = _thread.start_new_thread

    def start_audited(function: Callable[..., object], *arguments: Any) -> int:  # noqa: ANN401  the original's
        sys.audit("_thread.start_new_thread", function, *arguments)
        return start(function, *arguments)

    _thread.start_new_thread = start_audited
    # `threading` copies the function when it is imported. With Python 3.12 that has already happened.
    if loaded := sys.modules.get("threading"):
        loaded._start_new_thread = start_audited  # type: ignore[attr-defined]  # where it keeps it


def _is_relevant(name: str, arguments: tuple[object, ...]) -> bool:
    if name == "import":
        return str(arguments[0]).partition(".")[0] == "opentelemetry"
    return name == "open" or name.startswith("socket.") or name in _PROCESSES | _THREADS | _CHANGES


def _to_json(argument: object) -> object:
    if isinstance(argument, bytes):
        return os.fsdecode(argument)
    return argument if isinstance(argument, (str, int, type(None))) else str(argument)


def _main(report: str, module: str) -> None:
    """Run a module under the hook; runs in the child process."""
    import runpy  # noqa: PLC0415  loaded only in the child

    sys.argv[:3] = [module]
    _install(report)
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    # Import this module by name: the program below imports it too, and must share its state.
    from tests.support import audit

    audit._main(*sys.argv[1:3])
