"""The endpoint of a receiver, and the variables that point a program to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otel_tbot.testing import OTLPReceiver

# gRPC's C library starts threads in each child, some of which crash, for every user of it; so that is turned off.
NO_THREADS_IN_CHILDREN = {"GRPC_ENABLE_FORK_SUPPORT": "0"}


def endpoint_of(receiver: OTLPReceiver, protocol: str) -> str:
    """Return the receiver's endpoint for a protocol."""
    return receiver.grpc_endpoint if protocol == "grpc" else receiver.http_endpoint


def otlp_variables(receiver: OTLPReceiver, protocol: str = "http/protobuf") -> dict[str, str]:
    """Return the variables that send to a receiver over a protocol, for both signals."""
    return {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint_of(receiver, protocol)}
