"""Asks a tbot executable for its version by `tbot version`, the only way in which this project runs it.

The process is started early and its result collected late, so that other work is done meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping

# Seconds from the start of the process; a slower tbot has no known version.
PROBE_TIMEOUT = 2.0
# `tbot version` prints one line: what prints more than this, in bytes, is not tbot.
OUTPUT_LIMIT = 64 * 1024
_PR_SET_PDEATHSIG = 1
# Seconds that a killed process may take to end; only one that is stuck in the kernel needs them.
_REAP_TIMEOUT = 1.0

# `Teleport v18.2.3 git:...` or `Teleport Enterprise v18.2.3 git:...`; very old releases end after the version.
_PRINTED = re.compile(
    rb"^Teleport(?: [A-Za-z]+)? v([0-9]+(?:\.[0-9]+)*(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?)(?:\s|\Z)", re.MULTILINE
)


class VersionResult(NamedTuple):
    """The result of asking an executable.

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
            executable: a path, or a name that is looked up in the `PATH` of `environ` as a shell does it.
            environ: the variables that it sees.
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
    places = [executable]
    if "/" not in executable:
        # An empty entry means the working directory.
        places = [f"{place or '.'}/{executable}" for place in environ.get("PATH", os.defpath).split(":")]
    files = [place for place in places if os.path.isfile(place)]  # noqa: PTH113  a name with a NUL is not a file
    path = next((place for place in files if os.access(place, os.X_OK)), "")
    return path, "" if path else "the file is not executable" if files else "the executable was not found"


def _run(path: str, environ: Mapping[str, str]) -> subprocess.Popen[bytes] | None:
    import subprocess  # noqa: PLC0415  only where there is something to run

    with contextlib.suppress(OSError, ValueError, subprocess.SubprocessError):
        return subprocess.Popen(  # noqa: S603  runs the executable that the user named
            [path, "version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(environ),
            # A session of its own: what it starts can be ended with it, and Ctrl-C does not reach it.
            start_new_session=True,
            preexec_fn=_end_with_parent(),  # noqa: PLW1509  calls the system and nothing of Python's
        )
    return None


def _end_with_parent() -> Callable[[], None] | None:
    """Return what the child calls so that it is killed when this thread ends, even by SIGKILL; None where it cannot.

    Linux only (prctl(2)). Elsewhere only a command that is not killed itself ends it in time.
    """
    try:
        import ctypes  # noqa: PLC0415  only where there is something to run

        prctl = ctypes.CDLL(None).prctl
    except (ImportError, OSError, AttributeError):
        return None
    parent = os.getpid()

    def set_signal() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before the call
            os._exit(1)

    return set_signal


def _collect(process: subprocess.Popen[bytes], deadline: float) -> VersionResult:
    from subprocess import TimeoutExpired  # noqa: PLC0415  only where there is something to run

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
    """Return the output, or its beginning where it exceeds the limit; None if it has not ended by the deadline."""
    pipe = process.stdout
    if pipe is None:
        return None
    ready = select.poll()
    ready.register(pipe, select.POLLIN)
    output = b""
    while len(output) <= OUTPUT_LIMIT:
        # At and after the deadline, what has been printed still counts: the result may be collected late.
        if not ready.poll(max(0.0, deadline - time.monotonic()) * 1000):
            return None
        chunk = os.read(pipe.fileno(), OUTPUT_LIMIT)
        if not chunk:
            break
        output += chunk
    return output


def _end(process: subprocess.Popen[bytes]) -> None:
    from subprocess import TimeoutExpired  # noqa: PLC0415  only where there is something to run

    if process.stdout is not None:
        process.stdout.close()
    if process.returncode is None:
        # Not reaped yet, so the number is still that of the process and its session.
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(TimeoutExpired):
            process.wait(_REAP_TIMEOUT)
