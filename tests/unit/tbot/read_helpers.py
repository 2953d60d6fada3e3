"""Helpers that read a start of tbot; the configuration is passed as base64, so no file is needed."""

from __future__ import annotations

import base64

import pytest

from otel_tbot.errors import TbotConfigError
from otel_tbot.event import StartEvent


def in_base64(configuration: str | bytes) -> str:
    """Return a configuration in the form of `TBOT_CONFIG`."""
    content = configuration.encode() if isinstance(configuration, str) else configuration
    return base64.b64encode(content).decode()


def start(*arguments: str, configuration: str | bytes | None = None, **environ: str) -> StartEvent:
    """Return what `tbot start ARGUMENTS` reports."""
    return command("start", *arguments, configuration=configuration, **environ)


def command(*arguments: str, configuration: str | bytes | None = None, **environ: str) -> StartEvent:
    """Return what `tbot ARGUMENTS` reports."""
    if configuration is not None:
        environ["TBOT_CONFIG"] = in_base64(configuration)
    return StartEvent.from_command(["tbot", *arguments], environ=environ)


def refused(*arguments: str, configuration: str | bytes | None = None, **environ: str) -> str:
    """Return the error message for `tbot start ARGUMENTS`, and check that it is one line."""
    with pytest.raises(TbotConfigError) as raised:
        start(*arguments, configuration=configuration, **environ)
    message = str(raised.value)
    assert "\n" not in message
    return message


def counts(event: StartEvent) -> dict[str, int]:
    """Return the counters that are not 0, by the last part of their name."""
    numbers = {
        "other": event.destinations_other,
        "database": event.destinations_database,
        "kubernetes": event.destinations_kubernetes,
        "application": event.destinations_application,
    }
    return {name: number for name, number in numbers.items() if number}
