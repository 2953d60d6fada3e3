"""The outcome of sending: what became of the event, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of one event.

    Attributes:
        status: `sent` when the backend accepted the event; `off` when there was no consent, and nothing was done;
            `failed` when it did not arrive, or nobody can tell.
        reason: why, in one line for people; empty when sent. Never holds a value from a configuration.
    """

    status: Literal["sent", "off", "failed"]
    reason: str = ""
