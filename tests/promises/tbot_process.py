"""Run a fake tbot in one of four modes, observe it from outside, and tell it how to end."""

from __future__ import annotations

import os
import re
import sys
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from tests.integration.launcher import procfs
from tests.integration.launcher.comparison import expected, words
from tests.integration.launcher.processes import NOWHERE, PATIENT_RUN, WAYS, WITH_SENDER, WITHIN, RunningProcess
from tests.support.collector import wait_until
from tests.support.fake_tbot import shell_script

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Writes to both streams, in bytes that are not UTF-8. Then it reads a shell command from the named pipe next to it,
# and runs it.
_TBOT_SCRIPT = r"""
printf '\377 of tbot\n'
printf '\376 of tbot\n' >&2
ulimit -c 0
read -r ending <"$0.ending"
eval "$ending"
"""
_PREPARE_SCRIPT = """
import os, resource, signal, sys
for number in (signal.SIGPIPE, signal.SIGXFSZ):
    signal.signal(number, signal.SIG_DFL)  # which Python ignores for itself
{code}
os.execv(sys.argv[1], sys.argv[1:])
"""
_OWN_LINE = re.compile(rb"^otel-tbot: [^\n]*\n", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class StartEnvironment:
    """The environment of a start of tbot, the same for a direct start and for one by `run`.

    Attributes:
        environ: variables in addition to those of a backend that refuses connections.
        arguments: the arguments after `tbot start`.
        prepare: code that runs in the process before it execs `run` or tbot.
        options: further arguments of `subprocess.Popen`.
        lines: the numbers of our own lines on stderr that are allowed where a start is reported.
        always_execs: whether so much is broken that nothing is sent, and supervision, too, execs tbot.
    """

    environ: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    prepare: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    lines: tuple[int, ...] = (1,)
    always_execs: bool = False


@dataclass(frozen=True, kw_only=True)
class ObservedRun:
    """The observations of one run of tbot.

    Attributes:
        inherited: everything that tbot inherited, as the system shows it.
        status: the exit status, negative for a signal.
        stdout: the bytes on stdout.
        stderr: the bytes on stderr without our own lines.
        lines: our own lines on stderr.
    """

    inherited: dict[str, object]
    status: int
    stdout: bytes
    stderr: bytes
    lines: list[bytes]


def preparing_command(code: str) -> list[str]:
    """Return the command prefix that runs some code and execs the rest of the command.

    This is not a `preexec_fn`: gRPC, which runs in the process of the tests, breaks some processes forked with one.
    """
    return [sys.executable, "-ISc", _PREPARE_SCRIPT.format(code=code)] if code else []


def write_tbot(folder: Path) -> Path:
    """Write the fake tbot into a folder, and return its path."""
    tbot = shell_script(folder, _TBOT_SCRIPT)
    os.mkfifo(f"{tbot}.ending")
    return tbot


def observe(
    mode: str, tbot: Path, environment: StartEnvironment, ending: str, variables: Mapping[str, str]
) -> ObservedRun:
    """Start tbot, observe it, tell it how to end, and return what was observed.

    Args:
        mode: `direct`, `off`, `on` or `supervised`.
        tbot: the path of the fake tbot.
        environment: the environment of the start.
        ending: the shell command by which tbot ends.
        variables: the opt-in variable, and `MARK`, by whose value the processes are found.
    """
    run = PATIENT_RUN if mode == "on" and not environment.always_execs else WAYS[mode]
    command = [*preparing_command(environment.prepare), *run, str(tbot), "start", *environment.arguments]
    environ = {**NOWHERE, **environment.environ, **variables}
    with RunningProcess(command, environ, **environment.options) as started:
        with _wait_for_pipe(tbot, started) as writer:
            inherited = words(procfs.inherited(_wait_for_reader(tbot, started)), started)
            writer.write(f"{ending}\n".encode())
        stdout, stderr = started.process.communicate(timeout=WITHIN)
    return ObservedRun(
        inherited=inherited,
        status=started.process.returncode,
        stdout=stdout or b"",
        stderr=_OWN_LINE.sub(b"", stderr or b""),
        lines=_OWN_LINE.findall(stderr or b""),
    )


def expected_run(direct: ObservedRun, mode: str) -> ObservedRun:
    """Return what must be observed in a mode, given what was observed of a direct start.

    Supervision cannot hide that tbot is a child: it has another pid and parent, and a signal that ends it is reported
    like a shell does, as 128 plus its number.
    """
    status = 128 - direct.status if mode == "supervised" and direct.status < 0 else direct.status
    return ObservedRun(
        inherited=expected(direct.inherited, mode), status=status, stdout=direct.stdout, stderr=direct.stderr, lines=[]
    )


def start_variables(mode: str) -> dict[str, str]:
    """Return the variables of a start in a mode, and of the direct start that it is compared with."""
    return {"TELEPORT_ANONYMOUS_TELEMETRY": "1" if mode in WITH_SENDER else "0", "MARK": uuid.uuid4().hex}


def _wait_for_pipe(tbot: Path, started: RunningProcess) -> IO[bytes]:
    """Wait until tbot opens its pipe, and return the other end."""
    opened: list[int] = []

    def waits() -> bool:
        with suppress(OSError):  # not opened for reading yet
            opened.append(os.open(f"{tbot}.ending", os.O_WRONLY | os.O_NONBLOCK))
        return bool(opened) or started.process.poll() is not None

    wait_until(waits, "tbot runs", within=WITHIN)
    assert opened, f"tbot did not run, and the status is {started.process.returncode}"
    return os.fdopen(opened[0], "wb")


def _wait_for_reader(tbot: Path, started: RunningProcess) -> int:
    """Wait until the shell reads from the pipe, and return its pid, which is tbot's."""
    ending = f"{tbot}.ending"
    found: list[int] = []

    def reads() -> bool:
        found[:] = [pid for pid in procfs.alive(started.mark) if _descriptors_of(pid, ending) == [0]]
        return bool(found)

    wait_until(reads, "tbot waits for its ending", within=WITHIN)
    (reader,) = found
    return reader


def _descriptors_of(pid: int, file: str) -> list[int]:
    with suppress(OSError):  # the process has ended
        return [number for number, (to, _) in procfs.descriptors(pid).items() if to == file]
    return []
