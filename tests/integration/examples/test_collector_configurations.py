"""The example configurations run in the real Collector, without the filter, which only larger distributions have."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import yaml

from otel_tbot import StartEvent, send
from tests.integration.examples.readme import EXAMPLES, SOURCE, blocks
from tests.support.collector import free_ports, listens, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

    from otel_tbot.testing import OTLPReceiver

FOLDER = EXAMPLES / "collector"
LOKI = EXAMPLES / "grafana" / "loki"
PAGE = SOURCE / "docs" / "how-to" / "grafana.md"
_STOPPED_WITHIN = 20  # seconds; it drains its pipelines first


def configuration(name: str, folder: Path = FOLDER) -> dict[str, Any]:
    """Return one of the configurations."""
    loaded: dict[str, Any] = yaml.safe_load((folder / name).read_text(encoding="utf-8"))
    return loaded


def processors(collector_binary: str) -> set[str]:
    """Return the types of processors that a Collector has."""
    listed = subprocess.run([collector_binary, "components"], capture_output=True, text=True, check=True, timeout=20)
    return {one["name"] for one in yaml.safe_load(listed.stdout)["processors"]}


@contextmanager
def running(collector_binary: str, configured: dict[str, Any], folder: Path, **environ: str) -> Iterator[str]:
    """Run a Collector on a free port instead of the configured ones, and yield its endpoint once it listens."""
    (port,) = free_ports(1)
    address = f"127.0.0.1:{port}"
    configured["receivers"]["otlp"]["protocols"] = {"http": {"endpoint": address}}
    configured["service"]["telemetry"] = {"metrics": {"level": "none"}, "logs": {"level": "error"}}
    (folder / "config.yaml").write_text(yaml.safe_dump(configured))
    process = subprocess.Popen([collector_binary, "--config", "config.yaml"], cwd=folder, env=environ)
    try:
        wait_until(lambda: listens(port), "the Collector listens")
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(_STOPPED_WITHIN)


def report(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send a Collector the event as a log record and as a span."""
    monkeypatch.setenv("TELEPORT_ANONYMOUS_TELEMETRY", "1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    event = StartEvent(run_mode="daemon")
    assert send(event, signal="logs").status == "sent"
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


def loki(collector_binary: str) -> dict[str, Any]:
    """Return the configuration for Loki, without the processors that the binary lacks."""
    configured = configuration("collector.yaml", LOKI)
    pipeline = configured["service"]["pipelines"]["logs"]
    known = processors(collector_binary)
    for name in [name for name in pipeline["processors"] if name.partition("/")[0] not in known]:
        pipeline["processors"].remove(name)
        del configured["processors"][name]
    return configured


def send_log(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send a Collector the event as a log record."""
    monkeypatch.setenv("TELEPORT_ANONYMOUS_TELEMETRY", "1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    assert send(StartEvent(run_mode="daemon")).status == "sent"


def test_loki(collector_binary: str, receiver: OTLPReceiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The configuration for Loki makes the session the body of each record, if the binary has the processors."""
    configured = loki(collector_binary)
    configured["exporters"]["otlphttp"]["endpoint"] = receiver.http_endpoint
    with running(collector_binary, configured, tmp_path) as endpoint:
        send_log(endpoint, monkeypatch)
    (record,) = receiver.log_records
    session = record.resource_attributes["session.id"]
    is_transformed = "transform/loki" in configured["processors"]
    assert record.log_record.body.string_value == (session if is_transformed else "tbot.start")
    assert ("service.instance.id" in record.resource_attributes) is not is_transformed


def test_victorialogs(
    collector_binary: str, receiver: OTLPReceiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exporter for VictoriaLogs sets the stream fields."""
    _, shown = blocks(PAGE, "yaml")
    configured = loki(collector_binary) | yaml.safe_load(shown)
    exporter = configured["exporters"]["otlphttp"]
    assert exporter["logs_endpoint"].endswith(":9428/insert/opentelemetry/v1/logs")
    exporter["logs_endpoint"] = f"{receiver.http_endpoint}/v1/logs"
    with running(collector_binary, configured, tmp_path) as endpoint:
        send_log(endpoint, monkeypatch)
    assert [request.headers["vl-stream-fields"] for request in receiver.requests] == ["service.name"]


def test_loki_excerpt() -> None:
    """The page shows the processor exactly as in the file."""
    shown, _ = blocks(PAGE, "yaml")
    _, _, processor = shown.partition("\n")
    assert processor in (LOKI / "collector.yaml").read_text(encoding="utf-8")


def test_loki_statements() -> None:
    """Only our events go to Loki: each with its own line, and all in one stream."""
    configured = configuration("collector.yaml", LOKI)
    assert configured["exporters"] == {"otlphttp": {"endpoint": "${env:LOKI_URL}/otlp"}}
    assert configured["service"]["pipelines"] == {
        "logs": {
            "receivers": ["otlp"],
            "processors": ["memory_limiter", "filter/tbot", "transform/loki", "batch"],
            "exporters": ["otlphttp"],
        }
    }
    gateway = configuration("collector.yaml")["processors"]["filter/tbot"]
    assert configured["processors"]["filter/tbot"] == {key: gateway[key] for key in ("error_mode", "logs")}
    assert configured["processors"]["transform/loki"] == {
        "error_mode": "propagate",
        "log_statements": [
            'set(log.body, resource.attributes["session.id"])',
            'delete_key(resource.attributes, "service.instance.id")',
        ],
    }


def test_command_for_loki() -> None:
    """The README's command names the configuration for Loki."""
    (commands,) = blocks(LOKI.parent / "README.md")
    assert commands.splitlines()[-1] == "otelcol-contrib --config loki/collector.yaml"


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
    assert exporter.keys() <= {"endpoint", "database", "username", "password", "ttl"}  # known to every release
    configured["exporters"]["otlphttp"] = {"endpoint": receiver.http_endpoint}
    del configured["exporters"]["clickhouse"]
    configured["processors"]["batch"]["timeout"] = "100ms"
    for pipeline in configured["service"]["pipelines"].values():
        assert pipeline["exporters"] == ["clickhouse"]
        pipeline["exporters"] = ["otlphttp"]
    with running(collector_binary, configured, tmp_path) as endpoint:
        report(endpoint, monkeypatch)
    assert {request.signal for request in receiver.requests} == {"logs", "traces"}
