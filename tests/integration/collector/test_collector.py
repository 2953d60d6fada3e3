"""The real OpenTelemetry Collector receives exactly the messages of the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.version import __version__ as sdk_version

from otel_tbot import Session, __version__
from tests.support.program import VERSION, install_fake_tbot, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.collector import Collector

CONFIGURATION = """\
version: v2
onboarding:
  join_method: github
outputs:
  - type: identity
services:
  - type: application-tunnel
  - type: database
  - type: database-tunnel
"""
EVENT = [
    ("tbot.run_mode", {"stringValue": "one-shot"}),
    ("tbot.version", {"stringValue": VERSION}),
    ("tbot.join_type", {"stringValue": "github"}),
    ("tbot.helper", {"stringValue": "gha:teleport-actions/auth"}),
    ("tbot.helper_version", {"stringValue": "2.0.1"}),
    ("tbot.destinations_other", {"intValue": "1"}),
    ("tbot.destinations_database", {"intValue": "2"}),
    ("tbot.destinations_kubernetes", {"intValue": "0"}),
    ("tbot.destinations_application", {"intValue": "1"}),
]
SCOPE = {"name": "otel_tbot", "version": __version__}


@pytest.fixture(params=["http/protobuf", "http/json", "grpc"])
def environ(request: pytest.FixtureRequest, collector: Collector) -> dict[str, str]:
    """The variables of an operator who opted in, for each protocol."""
    return {
        "TELEPORT_ANONYMOUS_TELEMETRY": "1",
        "OTEL_EXPORTER_OTLP_PROTOCOL": request.param,
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoints[request.param],
        "_TBOT_TELEMETRY_HELPER": "gha:teleport-actions/auth",
        "_TBOT_TELEMETRY_HELPER_VERSION": "2.0.1",
    }


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """A command line of tbot, with a configuration."""
    (tmp_path / "tbot.yaml").write_text(CONFIGURATION)
    return ["tbot", "start", "-c", str(tmp_path / "tbot.yaml"), "--oneshot"]


def attributes(holder: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return the attributes of an OTLP/JSON message as pairs, in their order."""
    return [(one["key"], one["value"]) for one in holder["attributes"]]


def check_resource(resource: dict[str, Any]) -> None:
    """Check the attributes of a resource."""
    session = Session()
    expected = {
        "service.name": "tbot",
        "os.type": session.os_type,
        "host.arch": session.host_arch,
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.version": sdk_version,
    }
    found = {name: value["stringValue"] for name, value in attributes(resource)}
    assert Session(id=found["session.id"]).id == found.pop("session.id") == found.pop("service.instance.id")
    assert found == expected


def test_log_record(collector: Collector, environ: dict[str, str], command: list[str], tmp_path: Path) -> None:
    """`emit` sends one log record, whose parts are exactly those of the contract."""
    ended = run("emit", *command, environ=environ, path=install_fake_tbot(tmp_path / "bin"))
    assert (ended.returncode, ended.stdout) == (0, "")
    (request,) = collector.requests("logs")
    (resource_logs,) = request["resourceLogs"]
    (scope_logs,) = resource_logs["scopeLogs"]
    (record,) = scope_logs["logRecords"]
    check_resource(resource_logs["resource"])
    assert scope_logs["scope"] == SCOPE
    assert attributes(record) == EVENT
    time = record.pop("timeUnixNano")
    assert int(time) % 10**9 == 0
    rest = {"observedTimeUnixNano": time, "severityNumber": 9, "eventName": "tbot.start"}
    rest["body"] = {"stringValue": "tbot.start"}
    assert {name: value for name, value in record.items() if name != "attributes"} == rest


def test_span(collector: Collector, environ: dict[str, str], command: list[str], tmp_path: Path) -> None:
    """`emit --signal traces` sends one span, whose parts are exactly those of the contract."""
    ended = run("emit", "--signal", "traces", *command, environ=environ, path=install_fake_tbot(tmp_path / "bin"))
    assert (ended.returncode, ended.stdout) == (0, "")
    (request,) = collector.requests("traces")
    (resource_spans,) = request["resourceSpans"]
    (scope_spans,) = resource_spans["scopeSpans"]
    (span,) = scope_spans["spans"]
    check_resource(resource_spans["resource"])
    assert scope_spans["scope"] == SCOPE
    assert attributes(span) == EVENT
    time = span.pop("startTimeUnixNano")
    assert int(time) % 10**9 == 0
    assert (len(span.pop("traceId")), len(span.pop("spanId"))) == (32, 16)
    # 256 means that it is known whether the parent is remote (OTLP's span flags); there is no parent.
    rest = {"endTimeUnixNano": time, "name": "tbot.start", "kind": 1, "flags": 256, "status": {}}
    assert {name: value for name, value in span.items() if name != "attributes"} == rest


@pytest.mark.parametrize(
    "off", [{}, {"TELEPORT_ANONYMOUS_TELEMETRY": "0"}, {"TELEPORT_ANONYMOUS_TELEMETRY": "true"}, {"DO_NOT_TRACK": "1"}]
)
def test_off(collector: Collector, environ: dict[str, str], command: list[str], off: dict[str, str]) -> None:
    """Without consent `emit` ends with status 0 and sends nothing: the next event is the first to arrive."""
    without = {**environ, **off} if off else {**environ, "TELEPORT_ANONYMOUS_TELEMETRY": ""}
    ended = run("emit", *command, environ=without)
    assert (ended.returncode, ended.stdout) == (0, "")
    assert ended.stderr.startswith("otel-tbot: nothing sent: ")
    marker = ["--tbot-version", "1.2.3", "tbot", "start"]
    assert run("emit", *marker, environ=environ).returncode == 0
    (request,) = collector.requests("logs")
    assert ("tbot.version", {"stringValue": "1.2.3"}) in attributes(
        request["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]
    )
