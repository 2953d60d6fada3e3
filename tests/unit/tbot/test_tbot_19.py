"""Starts that tbot 19 refuses are not reported, and the message says why."""

from __future__ import annotations

import pytest

from otel_tbot.errors import TbotConfigError
from otel_tbot.event import StartEvent
from tests.unit.tbot.read_helpers import in_base64

OLD = "tbot 19 and newer read only configurations of version 2; run `tbot migrate`, or write it for version: v2"
REFUSED = [
    ("{}", [], f"TBOT_CONFIG, line 1, version: {OLD}"),
    ("null", [], f"TBOT_CONFIG: {OLD}"),
    ("oneshot: true\nversion: v1\n", [], f"TBOT_CONFIG, line 2, version: {OLD}"),
    (
        "version: v2\noutputs: [{type: spiffe-svid}]\n",
        [],
        "TBOT_CONFIG, line 2, type: tbot 19 and newer have no service of this type; leave it out",
    ),
    (
        "version: v2\nservices:\n- type: identity\n- type: bot-api\n",
        [],
        "TBOT_CONFIG, line 4, type: tbot 19 and newer have no service of this type; leave it out",
    ),
    (None, ["spiffe-svid"], "the command line: tbot 19 and newer have no subcommand spiffe-svid; leave it out"),
    (None, ["bot-api"], "the command line: tbot 19 and newer have no subcommand bot-api; leave it out"),
]
ACCEPTED = [
    (None, []),
    (None, ["noop"]),
    (None, ["identity/piv-agent", "--destination", "x"]),
    (None, ["login-agent"]),
    ("version: v2\nservices: [{type: identity}, {type: login-agent}]\n", ["--trace", "--trace-exporter", "otlp://x"]),
    ("version: v2\ntracing: {enabled: true}\nscoped: true\ncredential_ttl: 1h\nleeway: 5m\n", []),
]


def start(version: str | None, configuration: str | None, arguments: list[str]) -> StartEvent:
    """Return what a start by a release of tbot reports."""
    environ = {} if configuration is None else {"TBOT_CONFIG": in_base64(configuration)}
    return StartEvent.from_command(["tbot", "start", *arguments], environ=environ, version=version)


@pytest.mark.parametrize(("configuration", "arguments", "message"), REFUSED)
@pytest.mark.parametrize("version", ["19.0.0", "v19.0.0-alpha.1", "19.3.1+ent", "20", "100.0.0"])
def test_refused(version: str, configuration: str | None, arguments: list[str], message: str) -> None:
    """From 19.0.0 on, and in its pre-releases, these do not start."""
    with pytest.raises(TbotConfigError) as raised:
        start(version, configuration, arguments)
    assert str(raised.value) == message


@pytest.mark.parametrize(("configuration", "arguments"), [row[:2] for row in REFUSED])
@pytest.mark.parametrize("version", ["18.99.0", "9.0.0", "2", None, "nineteen"])
def test_older_or_unknown(version: str | None, configuration: str | None, arguments: list[str]) -> None:
    """An older or unknown release starts."""
    assert start(version, configuration, arguments).run_mode in {"daemon", "one-shot"}


@pytest.mark.parametrize(("configuration", "arguments"), ACCEPTED)
@pytest.mark.parametrize("version", ["19.0.0", "18.2.3"])
def test_accepted(version: str, configuration: str | None, arguments: list[str]) -> None:
    """New syntax of tbot 19 is read, regardless of the release."""
    assert start(version, configuration, arguments).version == version
