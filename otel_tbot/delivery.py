"""Delivers one event: a private, short-lived pipeline with one deadline, and the truth about what became of it."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from otel_tbot.errors import SettingsError
from otel_tbot.opt_in import consent
from otel_tbot.outcome import Outcome
from otel_tbot.session import Session

if TYPE_CHECKING:
    from otel_tbot.event import StartEvent


def send(
    event: StartEvent, *, session: Session | None = None, signal: str | None = None, timeout: float | None = None
) -> Outcome:
    """Send an event to the OTLP backend that the `OTEL_EXPORTER_OTLP_*` variables describe.

    Sets no global provider, reads no resource from the environment, leaves nothing running, and raises nothing: what
    goes wrong is the outcome.

    Args:
        event: what to report.
        session: the start that the event belongs to; a new one by default.
        signal: `logs` or `traces`; by default what `OTEL_TBOT_SIGNAL` says, else `logs`.
        timeout: seconds for everything: name look-up, connection, TLS, retries, the answer and the shutdown. By
            default what `OTEL_EXPORTER_OTLP_[LOGS_|TRACES_]TIMEOUT` says, else 10.

    Returns:
        Sent only if the backend accepted the event.
    """
    decision = consent()
    if not decision:
        return Outcome(status="off", reason=decision.reason)
    try:
        return _send(event, session, signal, timeout)
    except SettingsError as error:
        return Outcome(status="failed", reason=str(error))
    except Exception as error:  # noqa: BLE001  a broken installation must not reach the host either
        return Outcome(status="failed", reason=f"the event could not be made or sent ({type(error).__name__})")


def _send(event: StartEvent, session: Session | None, signal: str | None, timeout: float | None) -> Outcome:
    # From here on there is consent: the imports of OpenTelemetry begin.
    from otel_tbot.otel.item import make  # noqa: PLC0415
    from otel_tbot.otel.otlp import OTLPSender  # noqa: PLC0415
    from otel_tbot.otel.otlp_settings import choose_signal  # noqa: PLC0415
    from otel_tbot.otel.payload import whole_second  # noqa: PLC0415

    chosen = choose_signal(os.environ, signal)
    item = make(chosen, event.attributes, session or Session(), at=whole_second(time.time_ns()))
    sender = OTLPSender(chosen, {"timeout": timeout})
    accepted, reason = sender.send([item])
    sender.shutdown()
    return Outcome(status="sent") if accepted else Outcome(status="failed", reason=reason)
