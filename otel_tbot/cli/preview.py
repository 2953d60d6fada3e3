"""`otel-tbot preview`: shows what `emit` would send, built by the same functions. Opens no connection."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

from opentelemetry.sdk.version import __version__ as sdk_version

from otel_tbot.cli.console import OK, write_line
from otel_tbot.cli.formatting import format_table, mask_endpoint
from otel_tbot.errors import SettingsError
from otel_tbot.event import SCOPE_NAME, truncate_to_second
from otel_tbot.isolated_python import isolate_environment
from otel_tbot.opt_in import consent
from otel_tbot.otlp.settings import read_files
from otel_tbot.prepared_start import prepare_start
from otel_tbot.schema.constants import EVENT_NAME
from otel_tbot.session import Session, resource_with_sdk
from otel_tbot.tbot.command_line import parse
from otel_tbot.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from otel_tbot.prepared_start import PreparedStart

_RECORD_NAMES = {"logs": "a log record", "traces": "a span"}


def main(
    *, command: Sequence[str], form: str, tbot_version: str | None, signal: str | None, timeout: float | None
) -> int:
    """Show the event, and return the exit status."""
    parsed = parse(command, os.environ)
    prepared = prepare_start(parsed, isolate_environment(), tbot_version=tbot_version, signal=signal, timeout=timeout)
    session = Session()
    for note in prepared.notes:
        write_line(note)
    if prepared.version_unknown_reason:
        write_line(f"tbot.version is left out: {prepared.version_unknown_reason}")
    if form == "json":
        print(json.dumps(_otlp_json(prepared, session), indent=2))
        write_line(_describe_delivery(prepared))
    else:
        print("\n".join(_text(prepared, session)))
    return OK


def _describe_delivery(prepared: PreparedStart) -> str:
    decision = consent()
    sent, reason = decision.on, decision.reason
    if sent:
        try:
            read_files(prepared.settings)
        except SettingsError as error:
            sent, reason = False, str(error)
    where = f"to {mask_endpoint(prepared.settings.endpoint)} ({prepared.settings.protocol})"
    return f"{'would be sent' if sent else 'would not be sent'} {where}: {reason}"


def _text(prepared: PreparedStart, session: Session) -> Iterator[str]:
    yield f"{EVENT_NAME}, as {_RECORD_NAMES[prepared.settings.signal]}, {_describe_delivery(prepared)}"
    yield ""
    yield from format_table("Attributes", prepared.event.attributes)
    yield ""
    resource = resource_with_sdk(session, sdk_version)
    yield from format_table("Resource (the session's id is random, and different each time)", resource)
    yield ""
    yield from format_table("Scope", {"name": SCOPE_NAME, "version": __version__})


def _otlp_json(prepared: PreparedStart, session: Session) -> dict[str, object]:
    from otel_tbot.otlp.json_encoding import to_otlp_json  # noqa: PLC0415  protobuf, which text output does not need
    from otel_tbot.records import build_record, encode_request  # noqa: PLC0415  the SDK, which text output does not need

    signal = prepared.settings.signal
    record = build_record(signal, prepared.event.attributes, session, timestamp_ns=truncate_to_second(time.time_ns()))
    return to_otlp_json(encode_request(signal, [record]))
