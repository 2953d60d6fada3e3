"""The counters: what the receiver did so far, as plain numbers. None of them says anything about a bot or its address.

Only the event loop writes; whoever reads from another thread sees a number that was true a moment ago.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(kw_only=True, slots=True)
class Counters:
    """The totals since the start.

    Attributes:
        received: submissions, whatever became of them.
        refused: those that were not acknowledged, by the reason that the sender was given.
        exported: events that the backend accepted.
        failed: valid events that the backend did not accept in time.
        unknown_fields: submissions with fields that this version does not know and has dropped.
        waiting: events that wait for the backend at this moment.
    """

    received: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    exported: int = 0
    failed: int = 0
    unknown_fields: int = 0
    waiting: int = 0

    def summary(self) -> dict[str, int]:
        """Return all of them under the names that the last log line uses."""
        reasons = {f"refused_{reason}": count for reason, count in sorted(self.refused.items())}
        return {
            "received": self.received,
            "exported": self.exported,
            "failed": self.failed,
            "unknown_fields": self.unknown_fields,
            "refused": sum(self.refused.values()),
            **reasons,
        }
