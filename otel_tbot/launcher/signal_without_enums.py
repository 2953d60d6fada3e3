"""The module `signal` without its enumerations, which take half as long to load as the interpreter takes to start.

With them, a `run` that is off takes 1.44 times a bare interpreter's time, and without them 0.95 (`make bench`).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
else:
    try:
        import _signal as signal
    except ImportError:  # an interpreter that has it only under the public name
        import signal

__all__ = ["signal"]
