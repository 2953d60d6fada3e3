"""How long the sender may live: known before it has loaded anything, so that its end is certain from the start."""

from __future__ import annotations

import os

from otel_tbot.launcher.arguments import LONGEST_TIMEOUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from otel_tbot.launcher.arguments import Arguments

# Seconds: what it takes to start, to read tbot's configuration and to load OpenTelemetry comes on top of the time-out,
# which is for the delivery. Less than the one second that a sender may outlive its deadline.
GRACE = 0.9
_DEFAULT = 10.0  # seconds; the OpenTelemetry specification's


def seconds_to_deliver(arguments: Arguments) -> float:
    """Return the time-out of the delivery in seconds, by the same rule as `otel_tbot.otel.otlp_settings`.

    A value that is refused there counts as unset here: nothing is sent then, and the sender ends by itself.
    """
    if arguments.timeout is not None:
        return arguments.timeout
    signal = arguments.signal or os.environ.get("OTEL_TBOT_SIGNAL") or "logs"
    for name in (f"OTEL_EXPORTER_OTLP_{signal.upper()}_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"):
        if value := os.environ.get(name, "").strip():
            return _seconds(value)
    return _DEFAULT


def _seconds(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        return _DEFAULT
    # The comparison is also false for what is no number.
    return min(number, LONGEST_TIMEOUT) if number > 0 else _DEFAULT
