"""The variables of this package that `opentelemetry-instrument` offers as options (`--tbot_signal`)."""

OTEL_TBOT_SIGNAL = "OTEL_TBOT_SIGNAL"
"""The signal that `otel-tbot emit` and `run` send: `logs` (the default) or `traces`."""
