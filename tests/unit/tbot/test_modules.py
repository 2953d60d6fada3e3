"""The modules that reading loads: few for a command line, and the YAML library for a configuration."""

from __future__ import annotations

import subprocess
import sys


def loaded(program: str) -> set[str]:
    """Return the modules that a program has loaded at its end."""
    ended = subprocess.run(
        [sys.executable, "-c", f"import sys\n{program}\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(ended.stdout.split())


def test_command_line_is_cheap() -> None:
    """Parsing a command line loads neither YAML nor any other large module."""
    program = "from otel_tbot.tbot.command_line import parse; parse(['tbot', 'start', 'id', '-c', 'x'], {})"

    assert loaded(program).isdisjoint({"yaml", "click", "argparse", "pathlib", "subprocess", "opentelemetry"})


def test_yaml_is_loaded_late() -> None:
    """Without a configuration, no YAML library is loaded."""
    program = "from otel_tbot import StartEvent; StartEvent.from_command(['tbot', 'start'], environ={})"

    assert loaded(program).isdisjoint({"yaml", "opentelemetry", "subprocess"})
