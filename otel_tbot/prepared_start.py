"""Prepares one start for `preview`, `emit` and the sender of `run`, in the same way for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from otel_tbot.event import StartEvent
from otel_tbot.otlp.settings import resolve_settings, resolve_signal
from otel_tbot.tbot.start import read_start
from otel_tbot.tbot.version_probe import PROBE_TIMEOUT, VersionProbe, VersionResult

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from otel_tbot.otlp.settings import OTLPSettings
    from otel_tbot.tbot.command_line import CommandLine


class PreparedStart(NamedTuple):
    """One start of tbot, and where its event goes.

    Attributes:
        event: what is reported.
        settings: where and how it is sent.
        version_unknown_reason: why the event has no version; empty if it has one.
        notes: what was read in an unexpected way, each as one line.
    """

    event: StartEvent
    settings: OTLPSettings
    version_unknown_reason: str
    notes: tuple[str, ...]


def prepare_start(  # noqa: PLR0913  the options of three commands
    command: CommandLine,
    environ: Mapping[str, str],
    *,
    tbot_version: str | None = None,
    signal: str | None = None,
    timeout: float | None = None,
    version_timeout: float = PROBE_TIMEOUT,
    meanwhile: Callable[[OTLPSettings], object] | None = None,
) -> PreparedStart:
    """Find out what a start of tbot reports, and where to.

    Args:
        command: tbot's command line, parsed.
        environ: the variables of this start.
        tbot_version: the version of tbot; None to ask the executable.
        signal: `logs` or `traces`; None to use the environment.
        timeout: seconds that the delivery may take; None to use the environment.
        version_timeout: seconds that the executable may take to answer.
        meanwhile: called with the settings while the executable is asked.

    Raises:
        OtelTbotError: tbot's configuration, or a setting, cannot be used.
    """
    settings = resolve_settings(resolve_signal(environ, signal), environ, {"timeout": timeout})
    skipped = "an unknown flag, skipped with its value; everything else is reported"
    notes = (*(f"{position}: {skipped}" for position in command.skipped), *settings.notes)
    if tbot_version:
        event = StartEvent.from_start(read_start(command, environ), version=tbot_version)
        reason = "" if event.version else "the value of --tbot-version does not look like a version"
        return PreparedStart(event=event, settings=settings, version_unknown_reason=reason, notes=notes)
    # The executable answers while the configuration is read.
    probe = VersionProbe.start(command.executable, environ, version_timeout)
    result = VersionResult()
    try:
        start = read_start(command, environ)
        if meanwhile is not None:
            meanwhile(settings)
    finally:
        result = probe.result()  # also ends what was started
    event = StartEvent.from_start(start, version=result.version)
    return PreparedStart(event=event, settings=settings, version_unknown_reason=result.reason, notes=notes)
