"""The example programs, run by the commands in their READMEs, send to the real Collector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.examples.readme import EXAMPLES, blocks, run
from tests.integration.pipelines import declarative

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.collector import Collector

RUNNABLE = [
    ("environment", "logs", 1),
    pytest.param("declarative", "logs", 1, marks=declarative.REQUIRED),
    ("python-api", "logs", 2),
    ("span", "traces", 1),
]


def resources(request: dict[str, Any]) -> list[dict[str, str]]:
    """Return the attributes of the resources in a request."""
    return [
        {one["key"]: one["value"]["stringValue"] for one in of_resource["resource"]["attributes"]}
        for of_resource in (*request.get("resourceLogs", ()), *request.get("resourceSpans", ()))
    ]


@pytest.mark.parametrize(("folder", "signal", "count"), RUNNABLE)
def test_command(collector: Collector, tmp_path: Path, folder: str, signal: str, count: int) -> None:
    """The command delivers the event and prints no warning."""
    (commands,) = blocks(EXAMPLES / folder / "README.md")
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoints["http/protobuf"]}
    ended = run(commands, environ, cwd=EXAMPLES / folder, tbot=tmp_path / "bin")
    assert ended.returncode == 0, ended.stderr
    assert "not delivered" not in ended.stderr
    requests = collector.requests(signal, count=count)
    assert {resource["service.name"] for request in requests for resource in resources(request)} == {"tbot"}


def test_two_bots_are_two_resources(collector: Collector, tmp_path: Path) -> None:
    """The pipeline in code reports the start of each bot with its own session."""
    environ = {
        "TELEPORT_ANONYMOUS_TELEMETRY": "1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoints["http/protobuf"],
        "OTEL_BLRP_SCHEDULE_DELAY": "600000",  # milliseconds: both are sent in one request, at the end
    }
    ended = run("python own_pipeline.py", environ, cwd=EXAMPLES / "python-api", tbot=tmp_path / "bin")
    assert (ended.returncode, ended.stderr) == (0, "")
    (request,) = collector.requests("logs")
    sessions = {resource["session.id"] for resource in resources(request)}
    assert len(sessions) == 2
    consent, *emitted = ended.stdout.splitlines()
    assert consent == "consent is on: TELEPORT_ANONYMOUS_TELEMETRY is 1"
    assert {line.rpartition(" ")[2] for line in emitted} == sessions


def test_a_pipeline_without_consent(tmp_path: Path) -> None:
    """Without consent the pipeline in code says so."""
    ended = run("python own_pipeline.py", {}, cwd=EXAMPLES / "python-api", tbot=tmp_path / "bin")
    assert (ended.returncode, ended.stderr) == (0, "")
    consent, *emitted = ended.stdout.splitlines()
    assert consent == "consent is off: TELEPORT_ANONYMOUS_TELEMETRY is not set"
    assert all(line.startswith("not emitted: ") for line in emitted)


def test_index() -> None:
    """The index lists each example, and each has a README with a command."""
    folders = sorted(path.parent.name for path in EXAMPLES.glob("*/README.md"))
    index = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert [folder for folder in folders if f"[{folder}]({folder})" not in index] == []
    assert [folder for folder in folders if not blocks(EXAMPLES / folder / "README.md")] == []
