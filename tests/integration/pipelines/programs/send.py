"""Sends starts of tbot with `send`, without a pipeline: `send.py TURN...`, with the turns of `pipeline.py`."""

from __future__ import annotations

import os
import sys

from otel_tbot import StartEvent, send


def main(turns: list[str]) -> None:
    """Send each start as a log record and as a span, and print the outcome of both."""
    for turn in turns:
        consent, colon, version = turn.rpartition(":")
        if colon:
            os.environ["TELEPORT_ANONYMOUS_TELEMETRY"] = consent
        event = StartEvent(run_mode="daemon", version=version)
        for signal in ("logs", "traces"):
            print(signal, send(event, signal=signal).status)  # noqa: T201  the result


if __name__ == "__main__":
    main(sys.argv[1:])
