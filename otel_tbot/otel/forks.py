"""gRPC beside forks: in a child of a process that has used it, its C library can stand still for ever, or crash.

It stands still with Python's own lock in its hands, so that no deadline ends it. So such a child does not use it.
"""

from __future__ import annotations

import os

from otel_tbot.errors import SettingsError

_used = False
_used_by_parent = False


def require_unforked() -> None:
    """Note that gRPC is used from here on. To be called before it is loaded.

    Raises:
        SettingsError: it was used before this process was forked.
    """
    global _used  # noqa: PLW0603  it is the process that uses it
    if _used_by_parent:
        message = "the protocol grpc cannot be used in a process forked after its parent used it: use http/protobuf"
        raise SettingsError(message)
    _used = True


def _begin_anew() -> None:
    global _used_by_parent  # noqa: PLW0603  see above
    _used_by_parent = _used


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_begin_anew)
