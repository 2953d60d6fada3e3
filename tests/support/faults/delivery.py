"""Helpers to deliver an event to a backend with a fault: the variables, which contain secrets, and checks of output."""

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
START_ALLOWANCE = 15  # seconds that a program may need to start on a busy machine, in addition to its timeout
# A line of gRPC's C library: level and day, time, thread, and the source line. `GRPC_VERBOSITY` alone turns it off; a
# library must not set it: the environment belongs to the host.
_GRPC_LOG_LINE = re.compile(r"[DIWEF]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ \w+\.(cc|h):\d+\] .+")
SECRETS = "canary"  # part of every secret: the header's value, the endpoint's credentials, and the backend's answers


def variables(protocol: Protocol, backend: Backend) -> dict[str, str]:
    """Return the variables of an operator who opted in, with credentials of every kind."""
    endpoint = backend.endpoint
    if protocol == "http/protobuf":  # a gRPC endpoint cannot contain credentials
        endpoint = endpoint.replace("://", "://user:canary-of-the-endpoint@")
    return {
        **CONSENT,
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_HEADERS": "api-key=canary-of-the-header",
        **backend.environ,
    }


def wait_for_own_threads() -> None:
    """Wait until threads that outlive a deadline have ended; until then their backend must stay."""
    ours = "otel-tbot"
    wait_until(lambda: ours not in {thread.name for thread in threading.enumerate()}, "our threads have ended")


def skip_without_ipv6(name: str) -> None:
    """Skip a case about IPv6 on a machine without it."""
    if "IPv6" in name and not has_ipv6():
        pytest.skip("this machine has no IPv6 loopback address")


def is_one_line_without_secrets(text: str) -> bool:
    """Return whether a text is one printable line without a secret."""
    return bool(text) and text.isprintable() and SECRETS not in text


def redirect_target_is_untouched(backend: Backend) -> bool:
    """Return whether nothing reached the target of a redirect."""
    return backend.redirect_target is None or (
        backend.redirect_target.connections,
        backend.redirect_target.requests,
    ) == (0, [])


def without_grpc_log(errors: str, protocol: Protocol) -> list[str]:
    """Return the lines on stderr; over gRPC, without the log lines of its C library."""
    lines = errors.splitlines()
    return [line for line in lines if not _GRPC_LOG_LINE.fullmatch(line)] if protocol == "grpc" else lines
