"""Start tbot in four ways that must be indistinguishable: directly, and by `run` off, on and supervised."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any

from tests.integration.launcher import procfs
from tests.support.collector import wait_until
from tests.support.program import SOURCE, with_constant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from typing_extensions import Self

# The same as the installed script, but faster.
PROGRAM = f"import sys; sys.path.insert(0, {str(SOURCE)!r}); from otel_tbot.__main__ import main; main()"
RUN = [sys.executable, "-W", "error", "-m", "otel_tbot", "run"]
WAYS: dict[str, list[str]] = {"direct": [], "off": RUN, "on": RUN, "supervised": [*RUN, "--supervise"]}
WITH_SENDER = ("on", "supervised")
# A backend that refuses at once, so that the sender soon ends.
NOWHERE = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_TIMEOUT": "0.2"}
WITHIN = 30  # seconds that any condition may take
_ON = {"TELEPORT_ANONYMOUS_TELEMETRY": "1"}


def endpoint_variables(endpoint: str, **more: str) -> dict[str, str]:
    """Return the variables of a backend, and more."""
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_TIMEOUT": "30", **more}


def run_with(module: str, constant: str, value: float) -> list[str]:
    """Return `RUN` with another value of a time limit, which a busy machine would exceed."""
    return [*RUN[:-3], *with_constant(module, constant, value), "run"]


# Waits until the process that starts the sender has ended, which can take longer than usual on a busy machine.
PATIENT_RUN = run_with("otel_tbot.launcher.sender", "_MAX_WAIT", WITHIN)


class RunningProcess:
    """A program that was started in one of the ways.

    Attributes:
        mark: the value of its variable `MARK`, by which all its processes are found.
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], **options: Any) -> None:  # noqa: ANN401  those of `subprocess.Popen`
        """Start it, in its own session and with pipes as stdin, stdout and stderr unless `options` say otherwise.

        Args:
            command: the whole command line.
            environ: variables in addition to `PATH`, `PYTHONPATH` and `MARK`.
            options: further arguments of `subprocess.Popen`.
        """
        self.mark = environ.get("MARK") or uuid.uuid4().hex
        variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), "MARK": self.mark, **environ}
        options = {
            "stdin": subprocess.PIPE,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "start_new_session": True,
            **options,
        }
        self.process = subprocess.Popen(command, env=variables, **options)

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Kill all of its processes that still run."""
        for pid in procfs.alive(self.mark):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.communicate(timeout=WITHIN)

    @property
    def pid(self) -> int:
        """The pid of the process that was started."""
        return self.process.pid

    @property
    def pipes(self) -> dict[str, IO[bytes]]:
        """Our ends of its pipes, by name."""
        ends = {"stdin": self.process.stdin, "stdout": self.process.stdout, "stderr": self.process.stderr}
        return {name: pipe for name, pipe in ends.items() if pipe is not None}

    def line(self) -> str:
        """Return the next line of its output."""
        assert self.process.stdout is not None
        return str(self.process.stdout.readline(), "utf-8").strip()

    def write(self, text: str) -> None:
        """Write to its input."""
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def finish(self, text: str = "") -> tuple[int, str, str]:
        """Write a last text, close its input, and return the exit status and the output."""
        output, errors = self.process.communicate(text.encode(), timeout=WITHIN)
        return self.process.returncode, str(output or b"", "utf-8"), str(errors or b"", "utf-8")

    def others(self) -> list[int]:
        """Return its processes without the one that was started."""
        return [pid for pid in procfs.alive(self.mark) if pid != self.pid]

    def in_other_sessions(self) -> list[int]:
        """Return its processes in other sessions than the one in which tbot was started: the sender's."""
        found = []
        for pid in self.others():
            with suppress(OSError):  # it has ended meanwhile
                if procfs.stat(pid)["sid"] != self.pid:
                    found.append(pid)
        return found

    def probe(self, parent: int, tbot: int) -> int:
        """Wait for the probe, the other process in the group of tbot and its parent, and return its pid."""
        found: list[int] = []

        def runs() -> bool:
            group = procfs.stat(tbot)["pgid"]
            others = [child for child in procfs.children(parent) if child != tbot]
            with suppress(OSError):  # one has ended meanwhile
                # The sender closes tbot's input after it has left the group.
                found[:] = [
                    child
                    for child in others
                    if procfs.descriptors(child).get(0, ("",))[0] == os.devnull and procfs.stat(child)["pgid"] == group
                ]
            return bool(found)

        wait_until(runs, "the probe runs", within=WITHIN)
        return found[0]

    def senders(self, tbot: int) -> tuple[int, int]:
        """Wait until the sender has closed everything of tbot's, and return its guard and its worker."""
        found: list[tuple[int, int]] = []

        def runs() -> bool:
            seen = {}
            for pid in self.in_other_sessions():
                with suppress(OSError):  # it has ended meanwhile
                    seen[pid] = procfs.stat(pid)
            # A child of tbot's process is the one that starts the guard, and will exit.
            ours = {pid: stat for pid, stat in seen.items() if tbot not in {pid, stat["ppid"]}}
            # The guard closes them before it starts the worker. The worker's own children get another session.
            found[:] = [
                (guard, worker)
                for guard in ours
                for worker in ours
                if ours[guard]["ppid"] not in ours
                and (ours[worker]["ppid"], ours[worker]["sid"]) == (guard, ours[guard]["sid"])
            ]
            return bool(found)

        wait_until(runs, "the sender runs", within=WITHIN)
        return found[0]

    def wait_until_sent(self, tbot: int, *, within: float = WITHIN) -> None:
        """Wait until the sender has ended."""
        wait_until(lambda: {*self.in_other_sessions()} <= {tbot}, "the sender has ended", within=within)

    def wait_until_alone(self, *, within: float = WITHIN) -> None:
        """Wait until none of its processes runs, except perhaps the one that was started."""
        wait_until(lambda: not self.others(), "all processes but the first have ended", within=within)


def start(
    way: str,
    tbot: Path | str,
    *arguments: str,
    environ: Mapping[str, str] | None = None,
    more: Sequence[str] = (),
    run: Sequence[str] = RUN,
    **options: Any,  # noqa: ANN401  those of `subprocess.Popen`
) -> RunningProcess:
    """Start `tbot start` in one of the ways.

    Args:
        way: one of `WAYS`.
        tbot: the executable.
        arguments: options of `run`; a direct start has none.
        environ: further variables; with a sender, the endpoint should be among them.
        more: further arguments of tbot's.
        run: the command that starts `run`, if not directly.
        options: further arguments of `subprocess.Popen`.
    """
    consent = _ON if way in WITH_SENDER else {}
    prefix = [*run, *WAYS[way][len(RUN) :], *arguments] if WAYS[way] else []
    command = [*prefix, str(tbot), "start", *more]
    return RunningProcess(command, {**(environ or {}), **consent}, **options)


@contextmanager
def started_with_outcome(
    way: str,
    tbot: Path | str,
    *arguments: str,
    environ: Mapping[str, str],
    more: Sequence[str] = (),
    **options: Any,  # noqa: ANN401  those of `subprocess.Popen`
) -> Iterator[tuple[RunningProcess, int]]:
    """Start tbot with a pipe as the descriptor for the outcome, and yield its reading end."""
    reading, writing = os.pipe()
    named = f"--outcome-fd={writing}"
    with start(way, tbot, named, *arguments, environ=environ, more=more, pass_fds=[writing], **options) as started:
        os.close(writing)
        yield started, reading
    os.close(reading)


def outcome(reading: int) -> dict[str, str]:
    """Return the only line that is written until all processes have closed the descriptor."""
    with os.fdopen(os.dup(reading), "rb") as pipe:
        (line,) = pipe.readlines()
    report: dict[str, str] = json.loads(line)
    assert report.keys() == {"status", "reason"}
    return report


def full_pipe() -> tuple[int, int]:
    """Return the reading and the writing end of a full pipe."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while os.write(writing, bytes(4096)):
            pass
    os.set_blocking(writing, True)
    return reading, writing


def works(started: RunningProcess) -> bool:
    """Return whether a tbot that waits for a line runs, and ends with the status in that line."""
    with started:
        return started.line().isdigit() and started.finish("7\n")[0] == 7
