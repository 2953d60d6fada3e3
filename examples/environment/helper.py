"""Starts tbot, and reports the start through the pipeline that OpenTelemetry was configured with."""

import subprocess

import otel_tbot

COMMAND = ["tbot", "start", "--oneshot"]

otel_tbot.emit(otel_tbot.StartEvent.from_command(COMMAND, version="18.2.3"))
subprocess.run(COMMAND, check=True)
