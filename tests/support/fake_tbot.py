"""Fake tbots: small scripts, written into a folder under the name tbot."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

VERSION = "18.2.3"
_ANSWERS = f'echo "Teleport v{VERSION} git:v{VERSION}-0-g0 go1.24.7"'

# Prints its pid, then reads the exit status from stdin. A shell, because Python changes attributes of its process.
WAITS = 'echo "$$"\nread -r status\nexit "${status:-0}"\n'

# Sleeps, and needs no descriptor for it.
SLEEPS = "exec sleep 60"

# Prints the name of each signal that it receives. SIGQUIT ends it with a unique exit status.
TELLS_SIGNALS = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
print(os.getpid(), flush=True)
while True:
    number = signal.sigwaitinfo(signal.valid_signals()).si_signo
    print(signal.Signals(number).name if number in set(signal.Signals) else number, flush=True)
    if number == signal.SIGQUIT:
        sys.exit(43)
"""


def shell_script(folder: Path, script: str, *, version: str = _ANSWERS) -> Path:
    """Write a shell script as tbot into a folder, and return its path; `version` is the command for `tbot version`."""
    return _executable(folder, f'#!/bin/sh\nif [ "$1" = version ]; then {version}; exit; fi\n{script}\n')


def python_script(folder: Path, script: str) -> Path:
    """Write a Python script as tbot into a folder, and return its path; `tbot version` fails."""
    return _executable(
        folder, f"#!{sys.executable} -IS\nimport sys\nif sys.argv[1:2] == ['version']:\n    sys.exit(1)\n{script}\n"
    )


def _executable(folder: Path, content: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "tbot"
    path.write_text(content)
    path.chmod(0o755)
    return path
