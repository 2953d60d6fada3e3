"""Report two starts in a process whose state is always the same: `deterministic_process.py STATE`.

Everything that could make two processes generate the same ids is fixed before our code is loaded, except the system's
random source. The states: `seed`, `clock`, `machine`, `process`, and `all` of these. Sends one span by `send` and one
by `emit_span`.
"""

from __future__ import annotations

import os
import random
import sys
import time
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

NOON = 1_700_000_000_123_456_789  # nanoseconds
_NODE = 0x0242AC110002


def seed() -> None:
    """Seed Python's random numbers."""
    random.seed(0)


def clock() -> None:
    """Stop the clock."""
    time.time_ns = lambda: NOON
    time.time = lambda: NOON / 1e9


def machine() -> None:
    """Fix the MAC address and the UUIDs of all versions but 4."""
    always = uuid.UUID("5f0e8a52-9c1f-11ee-a7d3-0242ac110002")
    uuid.getnode = lambda: _NODE
    uuid.uuid1 = lambda *_, **_named: always
    uuid.uuid3 = uuid.uuid5 = lambda *_: always


def process() -> None:
    """Fix the process id."""
    os.getpid = lambda: 1000


STATES: dict[str, tuple[Callable[[], None], ...]] = {
    "seed": (seed,),
    "clock": (clock,),
    "machine": (machine,),
    "process": (process,),
    "all": (seed, clock, machine, process),
}


def main(state: str) -> None:
    """Report the starts."""
    for make_alike in STATES[state]:
        make_alike()
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415  after the state is fixed
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: PLC0415  after the state is fixed

    from otel_tbot import AnonymousSpanExporter, StartEvent, emit_span, send  # noqa: PLC0415  after the state is fixed

    event = StartEvent(run_mode="daemon")
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(AnonymousSpanExporter()))
    send(event, signal="traces")
    if "seed" in state:
        seed()  # the SDK has drawn numbers since the start
    emit_span(event, tracer_provider=provider)
    provider.shutdown()


if __name__ == "__main__":
    main(sys.argv[1])
