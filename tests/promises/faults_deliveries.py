"""Deliveries to a backend with a fault: what a client is given, with secrets in it, and what may be said."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from otel_tbot import StartEvent
from tests.promises.faults_sockets import has_ipv6
from tests.support.collector import wait_until

if TYPE_CHECKING:
    from tests.promises.faults_backends import Backend, Protocol

EVENT = StartEvent(run_mode="one-shot", version="18.2.3", join_type="token", destinations_other=1)
CONSENT = {"TELEPORT_ANONYMOUS_TELEMETRY": "1"}
START = 8  # seconds that a program may take on top of a timeout, to start on the busiest machine
SECRETS = "canary"  # is in all: the header's value, the endpoint's credentials, whatever the backend says


def variables(protocol: Protocol, backend: Backend) -> dict[str, str]:
    """Return the variables of an operator who opted in, and whose backend wants credentials of every kind."""
    endpoint = backend.endpoint
    if protocol == "http/protobuf":  # over gRPC an endpoint cannot hold them
        endpoint = endpoint.replace("://", "://user:canary-of-the-endpoint@")
    return {
        **CONSENT,
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_HEADERS": "api-key=canary-of-the-header",
        **backend.environ,
    }


def wait_for_our_threads() -> None:
    """Wait until what was left behind at a deadline has come to its end, too; only then may its backend go away."""
    ours = "otel-tbot"
    wait_until(lambda: ours not in {thread.name for thread in threading.enumerate()}, "our threads have ended")


def need_ipv6(name: str) -> None:
    """Skip a case that is about IPv6 on a machine that has none."""
    if "IPv6" in name and not has_ipv6():
        pytest.skip("this machine has no IPv6 loopback address")


def is_one_plain_line(text: str) -> bool:
    """Tell whether a text is one line for people, and gives away no secret."""
    return bool(text) and text.isprintable() and SECRETS not in text


def bystander_is_untouched(backend: Backend) -> bool:
    """Tell whether nothing reached the backend that no one named."""
    return backend.elsewhere is None or (backend.elsewhere.connections, backend.elsewhere.requests) == (0, [])
