"""Fixtures of all tests: an empty environment and real backends on this machine. Also the profile of properties."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

# A child that is forked only to exec another program must not run gRPC's fork handlers, which abort some of them. Has
# to be set before gRPC is loaded, and as long as it runs.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

from otel_tbot.testing import OTLPReceiver
from tests.support.browser import find_browser
from tests.support.collector import Collector, find_collector

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Needed to find and start programs; none of these has a meaning for telemetry.
_KEPT = {"PATH", "SYSTEMROOT", "OTELCOL", "CI", "GRPC_ENABLE_FORK_SUPPORT"}
# Read before the first test, since the environment is emptied for each.
_BROWSER_REQUIRED = os.environ.get("OTEL_TBOT_REQUIRE_BROWSER") == "1"

# One hundred inputs per property, the same in every run. A busy machine may take any time for one.
settings.register_profile("suite", max_examples=100, derandomize=True, database=None, deadline=None, print_blob=True)
settings.load_profile("suite")


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ.keys() - _KEPT:
        if not name.startswith(("PYTEST_", "COV_")):
            monkeypatch.delenv(name)


@pytest.fixture
def opted_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the variable by which a user opts in."""
    monkeypatch.setenv("TELEPORT_ANONYMOUS_TELEMETRY", "1")


@pytest.fixture
def receiver() -> Iterator[OTLPReceiver]:
    """Run an OTLP backend in this process."""
    with OTLPReceiver() as running:
        yield running


@pytest.fixture
def collector_binary() -> str:
    """Find the real OpenTelemetry Collector; in CI it must exist."""
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


@pytest.fixture(scope="session")
def browser() -> str:
    """Find a Chromium; where `OTEL_TBOT_REQUIRE_BROWSER=1` it must exist."""
    found = find_browser()
    if found is None:
        reason = "no browser: install chromium"
        if _BROWSER_REQUIRED:
            pytest.fail(reason)
        pytest.skip(reason)
    return found
