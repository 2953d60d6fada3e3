"""Deliveries to a backend with a fault: what a client is given, with secrets in it, and what may be said."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

import pytest

from otel_tbot import StartEvent
from tests.support.collector import wait_until
from tests.support.faults.sockets import has_ipv6

if TYPE_CHECKING:
    from tests.support.faults.backends import Backend, Protocol

EVENT = StartEvent(run_mode="one-shot", version="18.2.3", join_type="token", destinations_other=1)
CONSENT = {"TELEPORT_ANONYMOUS_TELEMETRY": "1"}
START = 8  # seconds that a program may take on top of a time-out, to start on the busiest machine
# A line of gRPC's C library: level and day, time, thread, and the source line. `GRPC_VERBOSITY` alone turns it off; a
# library must not set it: the environment belongs to the host.
_GRPC_LOG_LINE = re.compile(r"[DIWEF]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ \w+\.(cc|h):\d+\] .+")
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
    """Tell whether nothing reached the backend that nobody named."""
    return backend.elsewhere is None or (backend.elsewhere.connections, backend.elsewhere.requests) == (0, [])


def lines_of_python(errors: str, protocol: Protocol) -> list[str]:
    """Return the lines on stderr, over gRPC without the log lines of its C library."""
    lines = errors.splitlines()
    return [line for line in lines if not _GRPC_LOG_LINE.fullmatch(line)] if protocol == "grpc" else lines
