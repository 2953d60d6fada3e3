"""One life of tbot: started in one of four ways, looked at from outside while it runs, and told how to end."""

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
from tests.integration.launcher.processes import NOWHERE, WAYS, WITH_SENDER, WITHIN, RunningProcess
from tests.support.collector import wait_until
from tests.support.fake_tbot import shell_script

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Speaks on both streams, in bytes that are no text. Then it waits until the other end of the pipe is opened, next to
# it, and does what it is reported there.
_SPEAKS = r"""
printf '\377 of tbot\n'
printf '\376 of tbot\n' >&2
ulimit -c 0
read -r ending <"$0.ending"
eval "$ending"
"""
_PREPARES = """
import os, resource, signal, sys
for number in (signal.SIGPIPE, signal.SIGXFSZ):
    signal.signal(number, signal.SIG_DFL)  # which Python ignores for itself
{code}
os.execv(sys.argv[1], sys.argv[1:])
"""
_OURS = re.compile(rb"^otel-tbot: [^\n]*\n", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class StartEnvironment:
    """What is arranged around a start of tbot, the same for a direct start and for one by `run`.

    Attributes:
        environ: variables next to those of a backend that refuses.
        arguments: what stands after `tbot start`.
        prepare: code that is run in the process before it becomes `run` or tbot.
        options: further ones of `subprocess.Popen`.
        lines: how many lines of ours may stand on stderr where a start is reported.
        in_place: whether so much is broken that supervision, too, becomes tbot itself.
    """

    environ: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    prepare: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    lines: tuple[int, ...] = (1,)
    in_place: bool = False


@dataclass(frozen=True, kw_only=True)
class ProcessLifetime:
    """What there was to see of one life.

    Attributes:
        inherited: all that tbot had from the caller that started it, as the system shows it.
        status: the exit status, negative after death by a signal.
        stdout: the bytes printed.
        stderr: the bytes printed there, without our lines.
        lines: our lines on stderr.
    """

    inherited: dict[str, object]
    status: int
    stdout: bytes
    stderr: bytes
    lines: list[bytes]


def prepared(code: str) -> list[str]:
    """Return the program that runs some code and becomes the program that its arguments name.

    It is no `preexec_fn`: gRPC, which runs in the process of the tests, breaks some processes that are forked by one.
    """
    return [sys.executable, "-ISc", _PREPARES.format(code=code)] if code else []


def stand_in(folder: Path) -> Path:
    """Put the tbot of these tests into a folder, and return its path."""
    tbot = shell_script(folder, _SPEAKS)
    os.mkfifo(f"{tbot}.ending")
    return tbot


def live(
    way: str, tbot: Path, circumstance: StartEnvironment, ending: str, variables: Mapping[str, str]
) -> ProcessLifetime:
    """Start tbot, look at it, tell it how to end, and return all that was seen.

    Args:
        way: `direct`, `off`, `on` or `supervised`.
        tbot: the path of the stand-in.
        circumstance: what is arranged around it.
        ending: the command of a shell by which tbot ends.
        variables: the opt-in variable, and `MARK`, by whose value the processes are found.
    """
    command = [*prepared(circumstance.prepare), *WAYS[way], str(tbot), "start", *circumstance.arguments]
    environ = {**NOWHERE, **circumstance.environ, **variables}
    with RunningProcess(command, environ, **circumstance.options) as started:
        with _writer(tbot, started) as writer:
            inherited = words(procfs.inherited(_reader(tbot, started)), started)
            writer.write(f"{ending}\n".encode())
        stdout, stderr = started.process.communicate(timeout=WITHIN)
    return ProcessLifetime(
        inherited=inherited,
        status=started.process.returncode,
        stdout=stdout or b"",
        stderr=_OURS.sub(b"", stderr or b""),
        lines=_OURS.findall(stderr or b""),
    )


def as_documented(direct: ProcessLifetime, way: str) -> ProcessLifetime:
    """Return what is to be seen of a life in a way, given what is seen when tbot is started directly.

    What cannot be hidden under supervision is that tbot is a child: it has another pid and parent, and a signal that
    ends it is reported as a shell tells it, by 128 and its number.
    """
    status = 128 - direct.status if way == "supervised" and direct.status < 0 else direct.status
    return ProcessLifetime(
        inherited=expected(direct.inherited, way), status=status, stdout=direct.stdout, stderr=direct.stderr, lines=[]
    )


def variables_for(way: str) -> dict[str, str]:
    """Return the variables of a start in a way, and of the direct start that it is compared with."""
    return {"TELEPORT_ANONYMOUS_TELEMETRY": "1" if way in WITH_SENDER else "0", "MARK": uuid.uuid4().hex}


def _writer(tbot: Path, started: RunningProcess) -> IO[bytes]:
    """Wait until tbot waits for its ending, and return the other end of its pipe."""
    opened: list[int] = []

    def waits() -> bool:
        with suppress(OSError):  # nothing reads yet
            opened.append(os.open(f"{tbot}.ending", os.O_WRONLY | os.O_NONBLOCK))
        return bool(opened) or started.process.poll() is not None

    wait_until(waits, "tbot runs", within=WITHIN)
    assert opened, f"tbot did not run, and the status is {started.process.returncode}"
    return os.fdopen(opened[0], "wb")


def _reader(tbot: Path, started: RunningProcess) -> int:
    """Wait until the shell has arranged what it reads its ending from, and return its pid, which is tbot's."""
    ending = f"{tbot}.ending"
    found: list[int] = []

    def reads() -> bool:
        found[:] = [pid for pid in procfs.alive(started.mark) if _numbers(pid, ending) == [0]]
        return bool(found)

    wait_until(reads, "tbot waits for its ending", within=WITHIN)
    (reader,) = found
    return reader


def _numbers(pid: int, file: str) -> list[int]:
    with suppress(OSError):  # it has ended
        return [number for number, (to, _) in procfs.descriptors(pid).items() if to == file]
    return []
