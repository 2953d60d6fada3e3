"""Gets the version of a tbot executable with `tbot version`, the only way this project runs it.

The process is started early and its result collected late, so that other work is done in the meantime.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import time
from typing import IO, TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping

# Seconds from the start of the process; a slower tbot has no known version.
PROBE_TIMEOUT = 2.0
# In bytes. `tbot version` prints one line: a program that prints more than this is not tbot.
OUTPUT_LIMIT = 64 * 1024
_PR_SET_PDEATHSIG = 1
# Windows has neither.
_KILL = getattr(signal, "SIGKILL", 0)
_POLLIN = getattr(select, "POLLIN", 0)
# Seconds that a killed process may take to end; only one that is stuck in the kernel needs them.
_REAP_TIMEOUT = 1.0
# Seconds for a thread to read what was printed in time, if the result is collected late.
_LATE_TIMEOUT = 0.2

# `Teleport v18.2.3 git:...` or `Teleport Enterprise v18.2.3 git:...`; very old releases end after the version.
_PRINTED = re.compile(
    rb"^Teleport(?: [A-Za-z]+)? v([0-9]+(?:\.[0-9]+)*(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?)(?:\s|\Z)", re.MULTILINE
)


class VersionResult(NamedTuple):
    """The result of `tbot version`.

    Attributes:
        version: the version, without `v`; None if unknown.
        reason: why it is unknown; empty if it is known.
    """

    version: str | None = None
    reason: str = ""


class VersionProbe:
    """A running `tbot version`: `start` it, then collect its `result`, which also ends it."""

    def __init__(self, process: subprocess.Popen[bytes] | None, reason: str, deadline: float) -> None:
        """Keep the started process, or the reason why there is none."""
        self._process = process
        self._result = VersionResult(reason=reason)
        self._deadline = deadline

    @classmethod
    def start(cls, executable: str, environ: Mapping[str, str], timeout: float = PROBE_TIMEOUT) -> VersionProbe:
        """Start `executable version` and return at once.

        Args:
            executable: a path, or a name that is looked up in the `PATH` of `environ` as in a shell.
            environ: the variables of its process.
            timeout: seconds that it may take.
        """
        deadline = time.monotonic() + timeout
        path, reason = _find_executable(executable, environ)
        process = _run(path, environ) if path else None
        return cls(process, reason or "the executable cannot be run", deadline)

    def result(self) -> VersionResult:
        """Return the result; wait at most until the timeout. Everything that was started has ended."""
        process, self._process = self._process, None
        if process is not None:
            try:
                self._result = _collect(process, self._deadline)
            finally:
                _end(process)
        return self._result


def _find_executable(executable: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the path of an executable; or, with an empty one, why there is none."""
    import shutil  # noqa: PLC0415  only if there is something to run

    search_path = environ.get("PATH", os.defpath) or os.curdir  # an empty entry means the working directory
    path = shutil.which(executable, path=search_path)
    if path:
        return path, ""
    found = shutil.which(executable, os.F_OK, search_path)
    return "", "the file is not executable" if found else "the executable was not found"


def _run(path: str, environ: Mapping[str, str]) -> subprocess.Popen[bytes] | None:
    import subprocess  # noqa: PLC0415  only if there is something to run

    with contextlib.suppress(OSError, ValueError, subprocess.SubprocessError):
        return subprocess.Popen(  # noqa: S603  runs the executable that the user named
            [path, "version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(environ),
            # A separate session: what it starts can be ended with it, and Ctrl-C does not reach it.
            start_new_session=True,
            preexec_fn=_end_with_parent(),  # noqa: PLW1509  calls only the system, not Python
        )
    return None


def _end_with_parent() -> Callable[[], None] | None:
    """Return a function for the child that kills it when this thread ends, even by SIGKILL; None if unsupported.

    Linux only (prctl(2)). Elsewhere, the child is only ended in time if this command is not killed.
    """
    try:
        import ctypes  # noqa: PLC0415  only if there is something to run

        prctl = ctypes.CDLL(None).prctl
    except (ImportError, OSError, AttributeError, TypeError):  # TypeError: on Windows
        return None
    parent = os.getpid()

    def set_signal() -> None:
        prctl(_PR_SET_PDEATHSIG, _KILL)
        if os.getppid() != parent:  # it ended before the call
            os._exit(1)

    return set_signal


def _collect(process: subprocess.Popen[bytes], deadline: float) -> VersionResult:
    from subprocess import TimeoutExpired  # noqa: PLC0415  only if there is something to run

    output = _read(process, deadline)
    if output is not None and len(output) > OUTPUT_LIMIT:
        return VersionResult(reason=f"`tbot version` printed more than {OUTPUT_LIMIT} bytes")
    try:
        status = process.wait(max(0.0, deadline - time.monotonic())) if output is not None else None
    except TimeoutExpired:
        status = None
    if output is None or status is None:
        return VersionResult(reason="`tbot version` took too long")
    if status != 0:
        return VersionResult(reason="`tbot version` failed")
    printed = _PRINTED.search(output)
    if printed is None:
        return VersionResult(reason="`tbot version` printed no version")
    return VersionResult(version=printed[1].decode("ascii"))


def _read(process: subprocess.Popen[bytes], deadline: float) -> bytes | None:
    """Return the output, or its beginning if it exceeds the limit; None if it has not ended by the deadline."""
    pipe = process.stdout
    if pipe is None:
        return None
    if not hasattr(select, "poll"):
        return _read_in_thread(pipe, deadline)
    ready = select.poll()
    ready.register(pipe, _POLLIN)
    output = b""
    with pipe:
        while len(output) <= OUTPUT_LIMIT:
            # At and after the deadline, what has been printed still counts: the result may be collected late.
            if not ready.poll(max(0.0, deadline - time.monotonic()) * 1000):
                return None
            chunk = os.read(pipe.fileno(), OUTPUT_LIMIT)
            if not chunk:
                break
            output += chunk
    return output


def _read_in_thread(pipe: IO[bytes], deadline: float) -> bytes | None:
    """Read where the system can wait for sockets only (Windows)."""
    from threading import Thread  # noqa: PLC0415  on Windows only

    output: list[bytes] = []

    def read() -> None:
        with pipe:
            output.append(pipe.read(OUTPUT_LIMIT + 1))

    # A daemon thread, which also closes the pipe: a process that the executable has left behind may hold it open.
    reader = Thread(target=read, name="otel-tbot", daemon=True)
    reader.start()
    reader.join(max(deadline - time.monotonic(), _LATE_TIMEOUT))
    return output[0] if output else None


def _end(process: subprocess.Popen[bytes]) -> None:
    from subprocess import TimeoutExpired  # noqa: PLC0415  only if there is something to run

    if process.returncode is None:
        with contextlib.suppress(OSError):
            _kill(process)
        with contextlib.suppress(TimeoutExpired):
            process.wait(_REAP_TIMEOUT)


def _kill(process: subprocess.Popen[bytes]) -> None:
    if hasattr(os, "killpg"):
        # Not reaped yet, so the number is still that of the process and its session.
        os.killpg(process.pid, _KILL)
    else:
        process.kill()
