"""What a process does to the world outside, told by its own interpreter: an audit hook in a child process (PEP 578).

`audited` is for the tests: it runs a module as a program in a process of its own, and returns all that happened there.
In that process the hook is in place before the first line of the program, goes along into every fork, and cannot be
taken away. Code in C (gRPC, OpenSSL, the C library) does not tell the hook what it does: tests that must know also
look at what arrives at a socket, at the files themselves, or ask strace.
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
_TIMEOUT = 60  # seconds, far above what any program here waits for

# Where Python finds what it loads: its own library, packages, this package, and the programs of these tests.
INTERPRETERS_OWN = tuple(
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
    """One thing that a process did.

    Attributes:
        mark: what the program had said last by `mark`; empty before that.
        name: the name of the audit event.
        arguments: its arguments, those that JSON has no form for as text.
    """

    mark: str
    name: str
    arguments: list[object]

    @property
    def is_network(self) -> bool:
        """Whether a socket was made or used, or a name looked up."""
        return self.name.startswith("socket.")

    @property
    def is_process(self) -> bool:
        """Whether a process was started, or turned into another program."""
        return self.name in _PROCESSES

    @property
    def is_thread(self) -> bool:
        """Whether a thread was started."""
        return self.name in _THREADS

    @property
    def is_opentelemetry(self) -> bool:
        """Whether something of OpenTelemetry's was imported."""
        return self.name == "import" or f"{os.sep}opentelemetry{os.sep}" in self.path

    @property
    def path(self) -> str:
        """The file that was opened; empty if none was, as where a descriptor became a file object."""
        return str(self.arguments[0]) if self.name == "open" and not isinstance(self.arguments[0], int) else ""

    @property
    def is_foreign_file(self) -> bool:
        """Whether a file was opened that is neither the interpreter's, nor of a package, nor the null device."""
        # Where Python has set LC_CTYPE at its start, `run` looks up what it was before, in its own environment block.
        return bool(self.path) and not self.path.startswith((*INTERPRETERS_OWN, os.devnull, "/proc/self/environ"))

    @property
    def is_write(self) -> bool:
        """Whether a file was opened to be written, or anything about the files was changed; the null device aside."""
        if self.name in _CHANGES:
            return True
        mode, flags = self.arguments[1:3] if self.path not in {"", os.devnull} else ("", 0)
        return bool(set(str(mode or "")) & set("wax+") or (isinstance(flags, int) and flags & _WRITING))


class Audited(NamedTuple):
    """A process that has ended.

    Attributes:
        status: its exit status.
        stdout: what it printed.
        stderr: what it printed there.
        report: the file to which its hook wrote; forks that outlive it go on writing.
    """

    status: int
    stdout: str
    stderr: str
    report: Path

    @property
    def events(self) -> list[Event]:
        """What it and its forks did so far."""
        # `splitlines` would also split at rarer characters, which JSON leaves as they are.
        return [Event(*json.loads(line)) for line in self.report.read_text().split("\n") if line]


def audited(
    report: Path,
    module: str,
    *arguments: str,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str = "",
) -> Audited:
    """Run a module as `python -m` does, under the hook, to its end.

    Args:
        report: the file that the hook is to write.
        module: the name of the module.
        arguments: what the program is given.
        environ: the variables; no others are set but `PATH`, `PYTHONPATH` and that Python shall not keep byte code.
        cwd: the working directory.
        stdin: what the program can read.
    """
    import subprocess  # noqa: PLC0415  loads `threading`, before which the hook must be in place in the child

    # Nothing of the hook's stands in the environment: programs that are started are to find it as it would be.
    variables = {"PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE)}
    command = [sys.executable, "-m", "tests.support.audit", str(report), module, *arguments]
    ended = subprocess.run(
        command, env={**variables, **(environ or {})}, cwd=cwd, input=stdin, capture_output=True, text=True,
        timeout=_TIMEOUT, check=False,
    )  # fmt: skip
    return Audited(ended.returncode, ended.stdout, ended.stderr, report)


def mark(words: str) -> str:
    """Have all that this process does from now on reported under these words, and return those before."""
    global _marked  # what the hook of this process knows
    before, _marked = _marked, words
    return before


_marked = ""


def _install(report: str) -> None:
    """Put the hook in place, for good."""
    thread = _thread._local()

    def hook(name: str, arguments: tuple[object, ...]) -> None:
        # What the hook itself does is not told, or it would never end.
        if not _is_worth_telling(name, arguments) or getattr(thread, "tells", False):
            return
        thread.tells = True
        try:
            # Opened each time: the sender of `run` closes all descriptors that it inherits.
            file = os.open(report, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(file, json.dumps([_marked, name, [_plain(one) for one in arguments]]).encode() + b"\n")
            os.close(file)
        finally:
            thread.tells = False

    sys.addaudithook(hook)
    if sys.version_info < (3, 13):
        _tell_of_threads()


def _tell_of_threads() -> None:
    """Have it told when a thread is started, as newer interpreters do by themselves."""
    start = _thread.start_new_thread

    def telling(function: Callable[..., object], *arguments: Any) -> int:  # noqa: ANN401  the original's
        sys.audit("_thread.start_new_thread", function, *arguments)
        return start(function, *arguments)

    _thread.start_new_thread = telling
    # The module `threading` takes the function from there when it is loaded. With Python 3.12 that was done above.
    if loaded := sys.modules.get("threading"):
        loaded._start_new_thread = telling  # type: ignore[attr-defined]  # where it keeps it


def _is_worth_telling(name: str, arguments: tuple[object, ...]) -> bool:
    if name == "import":
        return str(arguments[0]).partition(".")[0] == "opentelemetry"
    return name == "open" or name.startswith("socket.") or name in _PROCESSES | _THREADS | _CHANGES


def _plain(argument: object) -> object:
    if isinstance(argument, bytes):
        return os.fsdecode(argument)
    return argument if isinstance(argument, (str, int, type(None))) else str(argument)


def _main(report: str, module: str) -> None:
    """Run a module under the hook: the side of the child process."""
    import runpy  # noqa: PLC0415  see above

    sys.argv[:3] = [module]
    _install(report)
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    # By its name: the program that runs below imports this module too, and must find the same one.
    from tests.support import audit

    audit._main(*sys.argv[1:3])
