"""Type checkers accept correct uses of the public names, and report mistakes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, get_args, get_type_hints

import pytest

import otel_tbot
from otel_tbot.otlp import settings
from otel_tbot.schema.constants import EVENT_ATTRIBUTES, RunMode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEAD = """\
import os
import otel_tbot
from opentelemetry.sdk._logs.export import ConsoleLogRecordExporter
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

event = otel_tbot.StartEvent(run_mode="daemon")
"""
RIGHT = """\
otel_tbot.AnonymousLogExporter()
otel_tbot.AnonymousLogExporter(ConsoleLogRecordExporter())
otel_tbot.AnonymousLogExporter(protocol="grpc", endpoint="http://localhost:4317", insecure=True)
otel_tbot.AnonymousLogExporter(protocol="http/json", compression="deflate", timeout=5, headers={"api-key": "key"})
otel_tbot.AnonymousLogExporter(headers="api-key=key", certificate="ca.pem", client_key="k", client_certificate="c")
otel_tbot.AnonymousLogExporter(endpoint=os.environ.get("ENDPOINT"))
otel_tbot.AnonymousSpanExporter()
otel_tbot.AnonymousSpanExporter(InMemorySpanExporter())
otel_tbot.AnonymousSpanExporter(protocol="http/protobuf", headers=[{"name": "api-key", "value": "key"}])
otel_tbot.StartEvent(run_mode="one-shot", join_type="one-that-is-not-known-yet", destinations_other=1)
otel_tbot.StartEvent.from_command(["tbot", "start"]).run_mode == "daemon"
otel_tbot.send(event)
otel_tbot.send(event, signal="traces", timeout=0.5).status == "sent"
otel_tbot.send(event, signal=None)
"""
WRONG = """\
otel_tbot.AnonymousLogExporter(endpoints="http://localhost:4318/v1/logs")
otel_tbot.AnonymousLogExporter(protocol="http")
otel_tbot.AnonymousLogExporter(compression="zstd")
otel_tbot.AnonymousLogExporter(timeout="5")
otel_tbot.AnonymousLogExporter(insecure="yes")
otel_tbot.AnonymousLogExporter(InMemorySpanExporter())
otel_tbot.AnonymousLogExporter(exporter="otlp")
otel_tbot.AnonymousSpanExporter(end_point="http://localhost:4318/v1/traces")
otel_tbot.AnonymousSpanExporter(headers=["api-key=key"])
otel_tbot.AnonymousSpanExporter(signal="traces")
otel_tbot.StartEvent(run_mode="foo")
otel_tbot.StartEvent(run_mode="one_shot")
otel_tbot.StartEvent(run_mode=None)
otel_tbot.StartEvent()
otel_tbot.StartEvent(run_mode="daemon", destinations_other="1")
otel_tbot.send(event, signal="sgnal")
otel_tbot.send(event, signal="log")
otel_tbot.send({"tbot.run_mode": "daemon"})
otel_tbot.send(event).status == "delivered"
otel_tbot.consent().given
"""


def mypy(program: Path) -> set[int]:
    """Return the lines in which mypy reports an error."""
    options = ("--strict", "--no-incremental", "--config-file=", "--python-version=3.10", "--no-error-summary")
    ended = subprocess.run(
        [sys.executable, "-m", "mypy", *options, program],
        capture_output=True,
        text=True,
        check=False,
        cwd=program.parent,
    )
    assert (ended.returncode, ended.stderr) in {(0, ""), (1, "")}, ended.stdout + ended.stderr
    return {int(line) for line in re.findall(rf"{program.name}:([0-9]+): error: ", ended.stdout)}


def pyright(program: Path) -> set[int]:
    """Return the lines in which pyright reports an error."""
    options = ("--pythonpath", sys.executable, "--pythonversion", "3.10", "--outputjson")
    # Node is installed next to it; nothing may be downloaded.
    environ = {"PATH": os.environ["PATH"], "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    ended = subprocess.run(
        [sys.executable, "-m", "pyright", *options, program],
        env=environ, capture_output=True, text=True, check=False, cwd=program.parent,
    )  # fmt: skip
    found = json.loads(ended.stdout)["generalDiagnostics"]
    return {one["range"]["start"]["line"] + 1 for one in found if one["severity"] == "error"}


@pytest.mark.parametrize(("checker", "name"), [(mypy, "mypy"), (pyright, "pyright")], ids=["mypy", "pyright"])
@pytest.mark.timeout(180)  # mypy reads the stubs of everything that OpenTelemetry imports
def test_mistakes(checker: Callable[[Path], set[int]], name: str, tmp_path: Path) -> None:
    """A misspelled keyword, a value outside a closed set and a wrong type are errors; documented uses are not."""
    pytest.importorskip(name, reason="type checkers are development dependencies")
    program = tmp_path / "program.py"
    program.write_text(f"# pyright: strict, reportUnusedExpression=false\n{HEAD}{RIGHT}{WRONG}")
    lines = program.read_text().splitlines()
    assert [lines[number - 1] for number in sorted(checker(program))] == WRONG.splitlines()


def test_run_modes_are_the_schema() -> None:
    """The run modes that a type checker knows are those of the schema."""
    (row,) = [row for row in EVENT_ATTRIBUTES if row.name == "tbot.run_mode"]
    assert get_args(RunMode) == row.values


def test_keywords_are_the_settings() -> None:
    """The keywords that a type checker knows are the OTLP settings, except those not for users of the exporters."""
    others = {"signal", "retryable_codes", "notes"}
    assert set(settings.OTLPSettings._fields) - settings.KEYWORDS == others
    assert set(settings.OTLPKeywords.__annotations__) == settings.KEYWORDS


def test_types_can_be_resolved() -> None:
    """Libraries can resolve the event's types at run time."""
    assert get_type_hints(otel_tbot.StartEvent)["run_mode"] == RunMode
