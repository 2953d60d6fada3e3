"""A receiver on a socket that is passed to it, like systemd does."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from tests.support.program import SOURCE

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Mapping

# The socket has the descriptor number 3, and LISTEN_PID names the process.
_PROGRAM = (
    "import os; os.dup2({descriptor}, 3); os.environ['LISTEN_PID'] = str(os.getpid())\n"
    "from otel_tbot.cli.commands import run_command_line\n"
    "if __name__ == '__main__': raise SystemExit(run_command_line(['serve']))"
)


@contextmanager
def activated(listener: socket.socket | IO[Any], variables: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a receiver that inherits a socket, with a pipe as stderr, and stop it."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM.format(descriptor=listener.fileno())],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), "LISTEN_FDS": "1", **variables},
        pass_fds=[listener.fileno()],
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
