"""Log messages of the exporters about our exports are suppressed; those about the host's are not."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from otel_tbot.testing import Reply
from tests.support.program import SOURCE

if TYPE_CHECKING:
    from otel_tbot.testing import OTLPReceiver

# A separate process, because the SDK suppresses repeated messages, even those of other tests.
HOST = """
import logging, sys
from otel_tbot import AnonymousLogExporter, Session, StartEvent
from otel_tbot.records import build_record
from opentelemetry.exporter.otlp.proto.{package}._log_exporter import OTLPLogExporter

logging.basicConfig(format="%(name)s")
item = build_record("logs", StartEvent(run_mode="daemon").attributes, Session(), timestamp_ns=10**9)
for exporter in (AnonymousLogExporter(protocol={protocol!r}, endpoint=sys.argv[1], timeout=5),
                 OTLPLogExporter(endpoint=sys.argv[1], timeout=5)):
    exporter.export([item])
    exporter.shutdown()
"""


@pytest.mark.parametrize(("protocol", "package"), [("http/protobuf", "http"), ("grpc", "grpc")])
def test_messages_of_the_hosts_exporter_are_kept(protocol: str, package: str, receiver: OTLPReceiver) -> None:
    """A host's exporter that fails like ours did just before still logs that, with the same logger."""
    receiver.reply(Reply(status=400))
    endpoint = receiver.grpc_endpoint if protocol == "grpc" else f"{receiver.http_endpoint}/v1/logs"
    command = [sys.executable, "-c", HOST.format(package=package, protocol=protocol), endpoint]
    environ = {"PYTHONPATH": str(SOURCE), "TELEPORT_ANONYMOUS_TELEMETRY": "1"}
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, check=True, timeout=60)
    ours, *hosts = ended.stderr.splitlines()
    assert ours == "otel_tbot"
    assert any(name.startswith("opentelemetry.exporter.") for name in hosts)
