"""Reports a start of tbot through the configured OpenTelemetry pipeline, and starts tbot."""

import subprocess

import otel_tbot

COMMAND = ["tbot", "start", "--oneshot"]

otel_tbot.emit(otel_tbot.StartEvent.from_command(COMMAND, version="18.2.3"))
subprocess.run(COMMAND, check=True)
