"""The example configurations run in the real Collector, without the filter, which only larger distributions have."""

from __future__ import annotations

import json
import socket
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import yaml

from otel_tbot import StartEvent, send
from tests.integration.examples.readme import EXAMPLES, blocks
from tests.support.collector import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

    from otel_tbot.testing import OTLPReceiver

FOLDER = EXAMPLES / "collector"
_STOPPED_WITHIN = 20  # seconds; it drains its pipelines first


def configuration(name: str) -> dict[str, Any]:
    """Return one of the configurations."""
    loaded: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return loaded


@contextmanager
def running(collector_binary: str, configured: dict[str, Any], folder: Path, **environ: str) -> Iterator[str]:
    """Run a Collector on a free port instead of the configured ones, and yield its endpoint."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    configured["receivers"]["otlp"]["protocols"] = {"http": {"endpoint": address}}
    configured["service"]["telemetry"] = {"metrics": {"level": "none"}, "logs": {"level": "error"}}
    (folder / "config.yaml").write_text(yaml.safe_dump(configured))
    process = subprocess.Popen([collector_binary, "--config", "config.yaml"], cwd=folder, env=environ)
    try:
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(_STOPPED_WITHIN)


def report(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait until a Collector listens, and send it the event as a log record and as a span."""
    monkeypatch.setenv("TELEPORT_ANONYMOUS_TELEMETRY", "1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    event = StartEvent(run_mode="daemon")
    wait_until(lambda: send(event, signal="logs", timeout=1).status == "sent", "the Collector takes a log record")
    assert send(event, signal="traces").status == "sent"


def test_gateway(
    collector_binary: str, receiver: OTLPReceiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gateway forwards what it receives with the credentials; the filter is removed, which the binary lacks."""
    configured = configuration("collector.yaml")
    del configured["processors"]["filter/tbot"]
    for pipeline in configured["service"]["pipelines"].values():
        pipeline["processors"].remove("filter/tbot")
    upstream = {"UPSTREAM_ENDPOINT": receiver.http_endpoint, "UPSTREAM_TOKEN": "token"}
    with running(collector_binary, configured, tmp_path, **upstream) as endpoint:
        report(endpoint, monkeypatch)
    assert {request.signal for request in receiver.requests} == {"logs", "traces"}
    assert {request.headers["authorization"] for request in receiver.requests} == {"Bearer token"}
    assert [one.resource_attributes["service.name"] for one in receiver.log_records] == ["tbot"]


def test_filter() -> None:
    """Both signals pass a filter that drops everything but the event, before they are batched."""
    configured = configuration("collector.yaml")
    assert configured["processors"]["filter/tbot"] == {
        "error_mode": "propagate",
        "logs": {"log_record": ['log.event_name != "tbot.start"']},
        "traces": {"span": ['span.name != "tbot.start"']},
    }
    pipelines = configured["service"]["pipelines"]
    assert pipelines.keys() == {"logs", "traces"}
    for pipeline in pipelines.values():
        assert pipeline["processors"] == ["memory_limiter", "filter/tbot", "batch"]


def test_files(collector_binary: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The events are in the files, one request per line."""
    with running(collector_binary, configuration("files.yaml"), tmp_path) as endpoint:
        report(endpoint, monkeypatch)
    for signal, key in (("logs", "resourceLogs"), ("traces", "resourceSpans")):
        (line,) = (tmp_path / f"tbot-starts.{signal}.jsonl").read_text().splitlines()
        assert key in json.loads(line)


def test_commands_name_the_configurations() -> None:
    """The README's commands name existing files."""
    for commands in blocks(FOLDER / "README.md"):
        *_, command = commands.splitlines()
        program, option, name = command.split()
        assert (program, option) == ("otelcol-contrib", "--config")
        assert (FOLDER / name).is_file()


def test_clickhouse(
    collector_binary: str, receiver: OTLPReceiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The configuration for ClickHouse runs with another exporter in place of its own, which the binary lacks."""
    configured: dict[str, Any] = yaml.safe_load(
        (EXAMPLES / "clickhouse" / "collector.yaml").read_text(encoding="utf-8")
    )
    exporter = configured["exporters"]["clickhouse"]
    assert exporter.keys() <= {"endpoint", "database", "username", "password", "ttl"}  # what every release of it knows
    configured["exporters"]["otlphttp"] = {"endpoint": receiver.http_endpoint}
    del configured["exporters"]["clickhouse"]
    configured["processors"]["batch"]["timeout"] = "100ms"
    for pipeline in configured["service"]["pipelines"].values():
        assert pipeline["exporters"] == ["clickhouse"]
        pipeline["exporters"] = ["otlphttp"]
    with running(collector_binary, configured, tmp_path) as endpoint:
        report(endpoint, monkeypatch)
    assert {request.signal for request in receiver.requests} == {"logs", "traces"}
