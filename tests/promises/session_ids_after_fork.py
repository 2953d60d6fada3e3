"""Print the ids of this process and of its children as JSON: `session_ids_after_fork.py METHOD`.

The method is a start method of multiprocessing, or `os.fork`. All processes seed `random` alike.
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
    """Return the session of this process, a new session, and the ids of a span."""
    random.seed(0)
    span = build_record("traces", StartEvent(run_mode="daemon").attributes, Session(), timestamp_ns=0)
    context = span.context  # type: ignore[union-attr]  # a span has one
    return {
        "session of the process": current_session().id,
        "new session": Session().id,
        "trace": f"{context.trace_id:032x}",
        "span": f"{context.span_id:016x}",
    }


def write_ids(writer: int) -> None:
    """Write the ids to a pipe as a line of JSON."""
    os.write(writer, json.dumps(ids()).encode() + b"\n")


def fork_child(writer: int) -> None:
    """Fork a child that writes its ids."""
    child = os.fork()
    if child == 0:
        write_ids(writer)
        os._exit(0)
    os.waitpid(child, 0)


def start_child(method: str, writer: int) -> None:
    """Start a child by multiprocessing that writes its ids; it inherits the pipe as its standard output."""
    context: Any = multiprocessing.get_context(method)  # the base class of all contexts has no `Process`
    child = context.Process(target=write_ids, args=(writer,))
    child.start()
    child.join()


def main(method: str) -> None:
    """Print the ids of this process, of the children, and of this process again."""
    writer = sys.stdout.fileno()
    write_ids(writer)
    for _ in range(CHILDREN):
        if method == "os.fork":
            fork_child(writer)
        else:
            start_child(method, writer)
    write_ids(writer)


if __name__ == "__main__":
    main(sys.argv[1])
