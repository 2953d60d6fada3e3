"""One `otel-tbot serve` in a separate process, and its log."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.collector import wait_until
from tests.support.program import SOURCE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

PROGRAM = Path(sys.executable).with_name("otel-tbot")  # the installed script
_LONGEST_END = 30  # seconds; longer than the timeout of a drain
# asyncio's warning about a slow callback, in Python's development mode: it depends on the machine.
_SLOW_CALLBACK = ('event="Executing ', "logger=asyncio")


class RunningReceiver:
    """A receiver that listens on a free port of this machine, unless the arguments say otherwise.

    Attributes:
        process: the process.
        lines: the lines that it has written to stderr, without those that say that the machine was slow.
    """

    def __init__(
        self,
        *arguments: str,
        variables: Mapping[str, str],
        strict: bool = True,
        python: str = sys.executable,
        folder: str | None = None,
    ) -> None:
        """Start it.

        Args:
            arguments: the arguments of `otel-tbot serve`.
            variables: its environment, in addition to Python's variables.
            strict: whether a warning in the receiver is an error, as in a test; this is slower.
            python: the command of its interpreter.
            folder: its working directory; ours by default.
        """
        listen = () if "--listen" in arguments else ("--listen", "127.0.0.1:0")
        options = ("-X", "dev", "-W", "error") if strict else ()
        command = [python, *options, str(PROGRAM), "serve", *listen, *arguments]
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._reading = threading.Thread(target=self._read)

    def __enter__(self) -> Self:
        """Wait until it listens."""
        self._reading.start()
        wait_until(lambda: self.events("listening") or self.process.poll() is not None, "the receiver listens")
        assert self.events("listening"), self.lines
        return self

    def __exit__(self, *_: object) -> None:
        """Kill it, and its exporting process, which would first try to send what it has."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.wait()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, wait for the end, and return the exit status."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait for the end, and return the exit status."""
        status = self.process.wait(_LONGEST_END)
        self._reading.join()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        return status

    @property
    def address(self) -> str:
        """The address in its line about listening."""
        return self.events("listening")[0]["address"]

    @property
    def port(self) -> int:
        """The port of that address."""
        return int(self.address.rpartition(":")[2])

    @property
    def summary(self) -> dict[str, int]:
        """The counters in its last line; only after its end."""
        (last,) = self.events("stopped")
        return {name: int(value) for name, value in last.items() if value.isdigit()}

    def events(self, name: str) -> list[dict[str, str]]:
        """Return the lines with this event, as pairs."""
        events = (dict(pair.partition("=")[::2] for pair in shlex.split(line)) for line in self.lines)
        return [pairs for pairs in events if pairs.get("event") == name]

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if not all(part in line for part in _SLOW_CALLBACK):
                self.lines.append(line.rstrip("\n"))
