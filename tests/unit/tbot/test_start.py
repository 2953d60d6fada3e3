"""What the event takes from elsewhere than the command line and the configuration."""

from __future__ import annotations

import pytest

from otel_tbot.event import StartEvent
from tests.unit.tbot.read_helpers import start


def test_nothing_configured() -> None:
    """There is no default path: with no configuration at all, all is empty."""
    assert start() == StartEvent(run_mode="daemon")


def test_helper() -> None:
    """The helper and its version come from tbot's own variables."""
    event = start(_TBOT_TELEMETRY_HELPER="gha:teleport-actions/auth", _TBOT_TELEMETRY_HELPER_VERSION="1.2.3")

    assert (event.helper, event.helper_version) == ("gha:teleport-actions/auth", "1.2.3")


def test_helper_version_alone() -> None:
    """The version of no helper means nothing."""
    assert start(_TBOT_TELEMETRY_HELPER_VERSION="1.2.3").helper_version is None


def test_empty_helper() -> None:
    """An empty variable is no helper."""
    assert start(_TBOT_TELEMETRY_HELPER="", _TBOT_TELEMETRY_HELPER_VERSION="1").helper is None


@pytest.mark.parametrize(("given", "expected"), [("v18.2.3", "18.2.3"), ("19.0.0-dev", "19.0.0-dev"), ("x", None)])
def test_version(given: str, expected: str | None) -> None:
    """The version is the caller's to find out."""
    assert StartEvent.from_command(["tbot", "start"], environ={}, version=given).version == expected


def test_from_command() -> None:
    """`StartEvent.from_command` is the same thing."""
    command = ["tbot", "start", "database-tunnel", "--oneshot", "--join-method=iam"]

    assert StartEvent.from_command(command, environ={}) == StartEvent.from_command(command, environ={})


def test_executable_is_any_name() -> None:
    """The first argument is the executable's name, whatever it looks like."""
    assert StartEvent.from_command(["--version", "start"], environ={}) == StartEvent(run_mode="daemon")
