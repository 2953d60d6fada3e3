"""Reading costs little more than the YAML library itself, and what needs no library loads none."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
import yaml

from otel_tbot.tbot.configuration_text import ConfigurationText
from otel_tbot.tbot.versions import read_configuration

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD = "version: v2\nproxy_server: example.com:443\nonboarding:\n  join_method: github\n  token: t\nservices:\n"
ENTRY = "- type: identity\n  destination:\n    type: directory\n    path: /opt/machine-id\n"


def best(function: Callable[[], object], times: int) -> float:
    """Return the least processor time of some runs, in seconds."""
    least = float("inf")
    for _ in range(times):
        began = time.process_time()
        function()
        least = min(least, time.process_time() - began)
    return least


def reading(entries: int) -> Callable[[], object]:
    """Return a function that reads a configuration of so many entries."""
    configuration = ConfigurationText(HEAD + ENTRY * entries, "tbot.yaml")
    return lambda: read_configuration(configuration)


@pytest.mark.parametrize(("entries", "times"), [(10, 200), (100, 50), (1_000, 7)])
def test_beside_the_library(entries: int, times: int) -> None:
    """To read costs at most 20 % more than to compose the same text; a busy machine is given as much again."""
    text = HEAD + ENTRY * entries
    composing = best(lambda: yaml.compose(text, Loader=yaml.CSafeLoader), times)

    assert best(reading(entries), times) < 2 * composing


def test_typical() -> None:
    """A typical configuration takes less than a few milliseconds."""
    assert best(reading(10), 50) < 0.003


def test_linear() -> None:
    """Ten times the entries take some ten times as long."""
    assert best(reading(2_000), 3) < 30 * best(reading(200), 9)


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
    """To read a command line loads neither YAML nor any other large module."""
    program = "from otel_tbot.tbot.command_line import parse; parse(['tbot', 'start', 'id', '-c', 'x'], {})"

    assert loaded(program).isdisjoint({"yaml", "click", "argparse", "pathlib", "subprocess", "opentelemetry"})


def test_yaml_is_loaded_late() -> None:
    """Without a configuration no YAML library is needed."""
    program = "from otel_tbot.tbot.start import read_start; read_start(['tbot', 'start'], environ={})"

    assert loaded(program).isdisjoint({"yaml", "opentelemetry", "subprocess"})
