"""Programs that stand in for tbot: each is one small script, put into a folder under the name tbot."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

VERSION = "18.2.3"
_ANSWERS = f'echo "Teleport v{VERSION} git:v{VERSION}-0-g0 go1.24.7"'

# Tells its pid, then waits for a line that tells it how to end. A shell: unlike Python it changes nothing of itself.
WAITS = 'echo "$$"\nread -r status\nexit "${status:-0}"\n'

# Does nothing, and needs no descriptor for it.
SLEEPS = "exec sleep 60"

# Tells of each signal that reaches it. SIGQUIT ends it, with a status that nothing else gives.
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
    """Put a script of the shell into a folder as tbot; `version` is what `tbot version` does. Return its path."""
    return _executable(folder, f'#!/bin/sh\nif [ "$1" = version ]; then {version}; exit; fi\n{script}\n')


def python_script(folder: Path, script: str) -> Path:
    """Put a script of Python into a folder as tbot; `tbot version` gets no answer. Return its path."""
    return _executable(
        folder, f"#!{sys.executable} -IS\nimport sys\nif sys.argv[1:2] == ['version']:\n    sys.exit(1)\n{script}\n"
    )


def _executable(folder: Path, content: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "tbot"
    path.write_text(content)
    path.chmod(0o755)
    return path
