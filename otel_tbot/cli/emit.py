"""`otel-tbot emit`: sends the event of one start, and says what became of it."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from otel_tbot.cli.console import FAILED, OK, write_line
from otel_tbot.opt_in import consent
from otel_tbot.tbot.command_line import parse

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(*, command: Sequence[str], tbot_version: str | None, signal: str | None, timeout: float | None) -> int:
    """Send the event if there is consent, and return the exit status."""
    parse(command, os.environ)  # what is no start of tbot is told, whether there is consent or not
    decision = consent()
    if not decision:
        write_line(f"nothing sent: {decision.reason}")
        return OK
    return _send(command, tbot_version, signal, timeout)


def _send(command: Sequence[str], tbot_version: str | None, signal: str | None, timeout: float | None) -> int:
    # Only now, with consent, is anything read or loaded.
    from otel_tbot.api import send  # noqa: PLC0415
    from otel_tbot.cli.formatting import mask_endpoint  # noqa: PLC0415
    from otel_tbot.start_report import prepare_start_report  # noqa: PLC0415

    found = prepare_start_report(command, tbot_version=tbot_version, signal=signal, timeout=timeout)
    # What libraries log would be further lines beside the one that tells what became of the event.
    logging.disable()
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    outcome = send(found.event, signal=found.settings.signal, timeout=timeout)
    where = mask_endpoint(found.settings.endpoint)
    if outcome.status == "sent":
        write_line(f"tbot.start sent to {where}")
        return OK
    write_line(f"tbot.start not delivered to {where}: {outcome.reason}")
    return FAILED
