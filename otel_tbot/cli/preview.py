"""`otel-tbot preview`: shows what `emit` would send, made by the same functions, and opens no connection."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from otel_tbot.cli.endpoint import masked
from otel_tbot.cli.listing import listing
from otel_tbot.cli.occasion import occasion
from otel_tbot.cli.terminal import OK, say
from otel_tbot.opt_in import consent
from otel_tbot.otel import payload
from otel_tbot.schema.table import EVENT_NAME
from otel_tbot.session import Session
from otel_tbot.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from otel_tbot.cli.occasion import Occasion

_KINDS = {"logs": "a log record", "traces": "a span"}


def main(
    *, command: Sequence[str], form: str, tbot_version: str | None, signal: str | None, timeout: float | None
) -> int:
    """Show the event, and return the exit status."""
    found = occasion(command, tbot_version=tbot_version, signal=signal, timeout=timeout)
    session = Session()
    if found.version_missing:
        say(f"tbot.version is left out: {found.version_missing}")
    if form == "json":
        print(json.dumps(_otlp_json(found, session), indent=2))
        say(_whether(found))
    else:
        print("\n".join(_text(found, session)))
    return OK


def _whether(found: Occasion) -> str:
    decision = consent()
    where = f"to {masked(found.settings.endpoint)} ({found.settings.protocol})"
    return f"{'would be sent' if decision else 'would not be sent'} {where}: {decision.reason}"


def _text(found: Occasion, session: Session) -> Iterator[str]:
    yield f"{EVENT_NAME}, as {_KINDS[found.settings.signal]}, {_whether(found)}"
    yield ""
    yield from listing("Attributes", found.event.attributes)
    yield ""
    resource = payload.resource_attributes(session)
    yield from listing("Resource (the session's id is random, and another one each time)", resource)
    yield ""
    yield from listing("Scope", {"name": payload.SCOPE_NAME, "version": __version__})


def _otlp_json(found: Occasion, session: Session) -> dict[str, object]:
    from otel_tbot.otel.item import make, request  # noqa: PLC0415  the SDK, likewise
    from otel_tbot.otlp_json import to_otlp_json  # noqa: PLC0415  protobuf, which the text does without

    signal = found.settings.signal
    item = make(signal, found.event.attributes, session, at=payload.whole_second(time.time_ns()))
    return to_otlp_json(request(signal, [item]))
