"""What the exporters log about our exports is held back; what they log about the host's is not."""

from __future__ import annotations

import pytest
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GRPCLogExporter
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HTTPLogExporter

from otel_tbot import AnonymousLogExporter, Session, StartEvent
from otel_tbot.otel.payload import log_record, resource

DEAD = "http://127.0.0.1:1"


@pytest.mark.usefixtures("opted_in")
@pytest.mark.parametrize(("protocol", "exporter"), [("http/protobuf", HTTPLogExporter), ("grpc", GRPCLogExporter)])
def test_the_hosts_own_exporter_is_heard(
    protocol: str, exporter: type[HTTPLogExporter | GRPCLogExporter], caplog: pytest.LogCaptureFixture
) -> None:
    """A host's exporter that fails after ours did still says so, by the same logger."""
    item = log_record(StartEvent(run_mode="daemon"), resource(Session()), at=10**9)
    ours = AnonymousLogExporter(protocol=protocol, endpoint=DEAD, timeout=0.2)
    ours.export([item])
    ours.shutdown()
    assert [record.name for record in caplog.records] == ["otel_tbot"]
    hosts = exporter(endpoint=DEAD, timeout=0.2)
    hosts.export([item])
    hosts.shutdown()
    assert any(record.name.startswith("opentelemetry.exporter") for record in caplog.records)
