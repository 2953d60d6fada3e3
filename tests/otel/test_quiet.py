"""What the exporters log about our exports is held back; what they log about the host's is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GRPCLogExporter
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HTTPLogExporter

from otel_tbot import AnonymousLogExporter, Session, StartEvent
from otel_tbot.otel.payload import log_record, resource
from otel_tbot.testing import Reply

if TYPE_CHECKING:
    from otel_tbot.testing import OTLPReceiver


@pytest.mark.usefixtures("opted_in")
@pytest.mark.parametrize(("protocol", "exporter"), [("http/protobuf", HTTPLogExporter), ("grpc", GRPCLogExporter)])
def test_the_hosts_own_exporter_is_heard(
    protocol: str,
    exporter: type[HTTPLogExporter | GRPCLogExporter],
    receiver: OTLPReceiver,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A host's exporter that fails as ours did just before still says so, by the same logger."""
    receiver.reply(Reply(status=400))
    endpoint = receiver.grpc_endpoint if protocol == "grpc" else f"{receiver.http_endpoint}/v1/logs"
    item = log_record(StartEvent(run_mode="daemon"), resource(Session()), at=10**9)
    ours = AnonymousLogExporter(protocol=protocol, endpoint=endpoint, timeout=5)
    ours.export([item])
    ours.shutdown()
    assert [record.name for record in caplog.records] == ["otel_tbot"]
    hosts = exporter(endpoint=endpoint, timeout=5)
    hosts.export([item])
    hosts.shutdown()
    assert any(record.name.startswith("opentelemetry.exporter") for record in caplog.records)
