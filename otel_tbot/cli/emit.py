"""`otel-tbot emit`: sends the event of one start, and reports the outcome."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from otel_tbot.cli.console import FAILED, OK, write_line
from otel_tbot.isolated_python import isolate_environment
from otel_tbot.opt_in import consent
from otel_tbot.tbot.command_line import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otel_tbot.tbot.command_line import CommandLine


def main(*, command: Sequence[str], tbot_version: str | None, signal: str | None, timeout: float | None) -> int:
    """Send the event if there is consent, and return the exit status."""
    parsed = parse(command, os.environ)  # an unusable command line is an error with and without consent
    decision = consent()
    if not decision:
        write_line(f"nothing sent: {decision.reason}")
        return OK
    return _send(parsed, tbot_version, signal, timeout)


def _send(command: CommandLine, tbot_version: str | None, signal: str | None, timeout: float | None) -> int:
    # Nothing is read or loaded before there is consent.
    from otel_tbot.api import deliver  # noqa: PLC0415
    from otel_tbot.cli.console import silence_libraries  # noqa: PLC0415
    from otel_tbot.cli.formatting import mask_endpoint  # noqa: PLC0415
    from otel_tbot.prepared_start import prepare_start  # noqa: PLC0415

    prepared = prepare_start(command, isolate_environment(), tbot_version=tbot_version, signal=signal, timeout=timeout)
    silence_libraries()
    for note in prepared.notes:
        write_line(note)
    if tbot_version and prepared.version_unknown_reason:
        write_line(f"tbot.version is left out: {prepared.version_unknown_reason}")
    outcome = deliver(prepared.event, prepared.settings)
    endpoint = mask_endpoint(prepared.settings.endpoint)
    if outcome.status == "sent":
        write_line(f"tbot.start sent to {endpoint}")
        return OK
    write_line(f"tbot.start not delivered to {endpoint}: {outcome.reason}")
    return FAILED
