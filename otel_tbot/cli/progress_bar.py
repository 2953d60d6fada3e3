"""A progress bar on stderr, for work of more than a second."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_DELAY = 1  # seconds


@contextmanager
def progress_bar() -> Iterator[Callable[[float], None]]:
    """Return a function that shows the percentage done; the bar disappears at the end."""
    columns = (TextColumn("reading"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    begin = time.monotonic()
    task = bar.add_task("", total=100)

    def show(percent: float) -> None:
        if time.monotonic() - begin >= _DELAY:
            bar.start()
            bar.update(task, completed=percent)

    try:
        yield show
    finally:
        bar.stop()
