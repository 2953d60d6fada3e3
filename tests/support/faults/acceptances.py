"""The table of backends that accept the event in an unusual way: the counterpart of the faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from otel_tbot.testing import Reply
from tests.support.faults.backends import over_ipv6, replying, tls, with_answer
from tests.support.faults.http1 import CANARY
from tests.support.faults.table import RETRY_AT_ONCE, BackendCase

if TYPE_CHECKING:
    from tests.support.faults.backends import Protocol, Serve


@dataclass(frozen=True, kw_only=True)
class AcceptedCase(BackendCase):
    """A backend that accepts in an unusual way.

    Attributes:
        refusals: the number of requests that it refuses before it accepts one.
    """

    refusals: int


_EARLY_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </canary-of-the-backend>\r\n\r\n"
_GOOD: dict[str, tuple[Serve, int]] = {
    "at once": (replying(Reply()), 0),
    "with a warning": (replying(Reply(rejected=0, error_message=CANARY)), 0),
    "over IPv6": (over_ipv6(replying(Reply())), 0),
    "with a certificate of ours": (tls(lambda certs: certs.good), 0),
    "after status 503": (replying(Reply(status=503, headers=RETRY_AT_ONCE), Reply()), 1),
    "after a closed connection": (replying(Reply(drop=True), Reply()), 1),
}
_GOOD_OVER: dict[Protocol, dict[str, tuple[Serve, int]]] = {
    "http/protobuf": {
        **_GOOD,
        "over HTTP/1.0": (with_answer(replying(Reply()), status_line=b"HTTP/1.0"), 0),
        "after early hints": (with_answer(replying(Reply()), status_line=_EARLY_HINTS * 2 + b"HTTP/1.1"), 0),
    },
    "grpc": _GOOD,
}
ACCEPTANCES = tuple(
    AcceptedCase(name=name, protocol=protocol, refusals=refusals, serve=serve)
    for protocol, rows in _GOOD_OVER.items()
    for name, (serve, refusals) in rows.items()
)
