"""What every test needs: an empty environment, and real backends on this machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

# A child that is forked only to become another program must not run gRPC's handlers: now and then they abort it. To be
# set before gRPC is loaded, and for as long as it may begin.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

from otel_tbot.testing import OTLPReceiver
from tests.support.collector import Collector, find_collector

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# What it takes to find and start programs. Nothing of it says anything about telemetry.
_KEPT = {"PATH", "SYSTEMROOT", "OTELCOL", "CI", "GRPC_ENABLE_FORK_SUPPORT"}


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ.keys() - _KEPT:
        if not name.startswith(("PYTEST_", "COV_")):
            monkeypatch.delenv(name)


@pytest.fixture
def opted_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give consent as a user does."""
    monkeypatch.setenv("TELEPORT_ANONYMOUS_TELEMETRY", "1")


@pytest.fixture
def receiver() -> Iterator[OTLPReceiver]:
    """Run an OTLP backend in this process."""
    with OTLPReceiver() as running:
        yield running


@pytest.fixture
def collector_binary() -> str:
    """Find the real OpenTelemetry Collector: in CI it must be there."""
    binary = find_collector()
    if binary is None:
        reason = "no OpenTelemetry Collector: set OTELCOL to its path, or put otelcol on PATH"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return binary


@pytest.fixture
def collector(collector_binary: str, tmp_path: Path) -> Iterator[Collector]:
    """Run the real OpenTelemetry Collector, which writes what it accepts to files."""
    with Collector(collector_binary, tmp_path) as running:
        yield running
