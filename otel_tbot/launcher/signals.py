"""The module `signal` without its enumerations: importing those would cost more than all else that a `run` does."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
else:
    import _signal as signal

__all__ = ["signal"]
