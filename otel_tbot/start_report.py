"""The occasion: what `preview` and `emit` know of one start before they show or send it, found in the same way."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from otel_tbot.otlp.settings import resolve_settings, resolve_signal
from otel_tbot.tbot.command_line import parse
from otel_tbot.tbot.start import read_start
from otel_tbot.tbot.version_probe import VersionProbe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otel_tbot.event import StartEvent
    from otel_tbot.otlp.settings import OTLPSettings


class StartReport(NamedTuple):
    """One start of tbot, and where its event goes.

    Attributes:
        event: what is reported.
        settings: where it goes, and how.
        version_missing: why the event has no version; empty if it has one.
    """

    event: StartEvent
    settings: OTLPSettings
    version_missing: str


def prepare_start_report(
    command: Sequence[str], *, tbot_version: str | None, signal: str | None, timeout: float | None
) -> StartReport:
    """Find out what a start of tbot reports.

    Raises:
        OtelTbotError: tbot's command line or configuration, or a setting, cannot be used.
    """
    parse(command, os.environ)  # before the executable is asked anything
    settings = resolve_settings(resolve_signal(os.environ, signal), os.environ, {"timeout": timeout})
    # The executable answers while the configuration is read.
    question = None if tbot_version else VersionProbe.start(command[0], os.environ)
    try:
        event = read_start(command, environ=os.environ, version=tbot_version)
    finally:
        answer = question.answer() if question else None
    if answer is None:
        missing = "" if event.version else "what --tbot-version says does not look like a version"
    else:
        event = replace(event, version=answer.version)
        missing = answer.reason
    return StartReport(event=event, settings=settings, version_missing=missing)
