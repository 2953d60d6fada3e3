"""Watch the engine's progress from a second thread."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from duckdb import DuckDBPyConnection

_INTERVAL = 0.2  # seconds


@contextmanager
def watched(connection: DuckDBPyConnection, on_progress: Callable[[float], None] | None) -> Iterator[None]:
    """Report the progress of the statement that runs in the context.

    Args:
        connection: the connection that runs it.
        on_progress: called with the percentage that is done; with None, nothing is watched.
    """
    if on_progress is None:
        yield
        return
    done = Event()

    def watch() -> None:
        while not done.wait(_INTERVAL):
            on_progress(max(0.0, connection.query_progress()))  # -1 before the engine knows

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
