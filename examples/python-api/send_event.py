"""Sends the event of one start of tbot."""

import otel_tbot

event = otel_tbot.StartEvent.from_command(["tbot", "start", "--oneshot", "--join-method", "github"], version="18.2.3")
outcome = otel_tbot.send(event, timeout=5)
print(outcome.status, outcome.reason)
