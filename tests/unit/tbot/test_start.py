"""The values of the event that come from neither the command line nor the configuration."""

from __future__ import annotations

import pytest

from otel_tbot.event import StartEvent
from tests.unit.tbot.read_helpers import start


def test_nothing_configured() -> None:
    """There is no default path: without a configuration, everything is empty."""
    assert start() == StartEvent(run_mode="daemon")


def test_helper() -> None:
    """The helper and its version come from tbot's own variables."""
    event = start(_TBOT_TELEMETRY_HELPER="gha:teleport-actions/auth", _TBOT_TELEMETRY_HELPER_VERSION="1.2.3")

    assert (event.helper, event.helper_version) == ("gha:teleport-actions/auth", "1.2.3")


def test_helper_version_alone() -> None:
    """A helper version without a helper is ignored."""
    assert start(_TBOT_TELEMETRY_HELPER_VERSION="1.2.3").helper_version is None


def test_empty_helper() -> None:
    """An empty variable counts as no helper."""
    assert start(_TBOT_TELEMETRY_HELPER="", _TBOT_TELEMETRY_HELPER_VERSION="1").helper is None


@pytest.mark.parametrize(("given", "expected"), [("v18.2.3", "18.2.3"), ("19.0.0-dev", "19.0.0-dev"), ("x", None)])
def test_version(given: str, expected: str | None) -> None:
    """The caller provides tbot's version."""
    assert StartEvent.from_command(["tbot", "start"], environ={}, version=given).version == expected


def test_from_command() -> None:
    """`StartEvent.from_command` returns the same event."""
    command = ["tbot", "start", "database-tunnel", "--oneshot", "--join-method=iam"]

    assert StartEvent.from_command(command, environ={}) == StartEvent.from_command(command, environ={})


def test_executable_is_any_name() -> None:
    """The first argument is the executable, under any name."""
    assert StartEvent.from_command(["--version", "start"], environ={}) == StartEvent(run_mode="daemon")
