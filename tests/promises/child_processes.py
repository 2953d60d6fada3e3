"""Prints the ids of this process and of its children, as JSON: `child_processes.py METHOD`.

The method is one of multiprocessing's, or `os.fork`. All processes have seeded their random numbers alike.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import sys
from typing import Any

from otel_tbot import Session, StartEvent
from otel_tbot.records import build_record
from otel_tbot.session import current_session

CHILDREN = 5


def ids() -> dict[str, str]:
    """Return the session of this process, one that is made now, and the ids of a span."""
    random.seed(0)
    span = build_record("traces", StartEvent(run_mode="daemon").attributes, Session(), timestamp_ns=0)
    context = span.context  # type: ignore[union-attr]  # a span has one
    return {
        "session of the process": current_session().id,
        "new session": Session().id,
        "trace": f"{context.trace_id:032x}",
        "span": f"{context.span_id:016x}",
    }


def tell(writer: int) -> None:
    """Write the ids to a pipe, as a line."""
    os.write(writer, json.dumps(ids()).encode() + b"\n")


def forked(writer: int) -> None:
    """Have a forked child write its ids."""
    child = os.fork()
    if child == 0:
        tell(writer)
        os._exit(0)
    os.waitpid(child, 0)


def started(method: str, writer: int) -> None:
    """Have a child of multiprocessing's write its ids; it inherits the pipe by its standard output."""
    context: Any = multiprocessing.get_context(method)  # the base class of all has no `Process`
    child = context.Process(target=tell, args=(writer,))
    child.start()
    child.join()


def main(method: str) -> None:
    """Print them all."""
    writer = sys.stdout.fileno()
    tell(writer)
    for _ in range(CHILDREN):
        if method == "os.fork":
            forked(writer)
        else:
            started(method, writer)
    tell(writer)


if __name__ == "__main__":
    main(sys.argv[1])
