"""The variables that lead a program to a receiver."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otel_tbot.testing import OTLPReceiver


def otlp_variables(receiver: OTLPReceiver, protocol: str = "http/protobuf") -> dict[str, str]:
    """Return the general variables that send there over a protocol."""
    endpoint = receiver.grpc_endpoint if protocol == "grpc" else receiver.http_endpoint
    return {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
