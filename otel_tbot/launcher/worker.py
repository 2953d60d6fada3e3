"""What the sender does: finds out what this start of tbot reports, and sends it. The first to load anything large."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from otel_tbot.api import send
from otel_tbot.otlp.settings import resolve_settings, resolve_signal
from otel_tbot.tbot.command_line import parse
from otel_tbot.tbot.start import read_start
from otel_tbot.tbot.version_probe import TIMEOUT, VersionProbe

if TYPE_CHECKING:
    from otel_tbot.event import StartEvent
    from otel_tbot.launcher.arguments import Arguments
    from otel_tbot.otlp.settings import OTLPSettings

_LAST_MOMENTS = 0.1  # seconds; what it takes to end after the delivery
_TRANSPORTS = {"grpc": "otel_tbot.otlp.grpc", "http/protobuf": "otel_tbot.otlp.http"}


def report(arguments: Arguments, seconds: float, until: float) -> None:
    """Send the event of one start, and let nobody know what became of it.

    Args:
        arguments: what `run` was asked for.
        seconds: how long the delivery may take.
        until: when all must be over, on the monotonic clock.
    """
    parse(arguments.command, os.environ)  # before the executable is asked anything
    settings = resolve_settings(
        resolve_signal(os.environ, arguments.signal), os.environ, {"timeout": arguments.timeout}
    )
    event = _event(arguments, settings, seconds)
    left = until - _LAST_MOMENTS - time.monotonic()
    if left > 0:
        send(event, signal=settings.signal, timeout=min(seconds, left))


def _event(arguments: Arguments, settings: OTLPSettings, seconds: float) -> StartEvent:
    """Return what `otel_tbot.start_report` finds too; but here the executable answers while OpenTelemetry is loaded."""
    if arguments.tbot_version:
        return read_start(arguments.command, environ=os.environ, version=arguments.tbot_version)
    # Its time ends before ours, whatever the time-out: a process that hangs must not be left behind.
    question = VersionProbe.start(arguments.command[0], os.environ, min(TIMEOUT, seconds))
    try:
        event = read_start(arguments.command, environ=os.environ)
        import_module(_TRANSPORTS[settings.protocol])
    finally:
        answer = question.answer()
    return replace(event, version=answer.version)
