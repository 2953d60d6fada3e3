"""The variables of this package's own that `opentelemetry-instrument` offers as options (`--tbot_signal`)."""

OTEL_TBOT_SIGNAL = "OTEL_TBOT_SIGNAL"
"""The signal as which `otel-tbot emit` and `run` send the event: `logs` (the default) or `traces`."""
