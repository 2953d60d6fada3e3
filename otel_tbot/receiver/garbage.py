"""Garbage: what a receiver leaves is freed at once, all but a little, so looking for more is worth it seldom.

Python looks through all objects now and then, and everybody who waits for an answer waits for that too.
"""

from __future__ import annotations

import gc

# Objects made and not yet freed before the young ones are looked through, and how often that happens before the older
# and the oldest are. Python's own are 700, 10 and 10, or close to that.
_THRESHOLDS = (50_000, 20, 50)


def collect_seldom() -> None:
    """Leave alone what is loaded by now, and look through the rest less often."""
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
