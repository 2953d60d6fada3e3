"""The request rate of each peer: a token bucket per address, in memory only, neither logged nor exported.

The table is bounded. A peer that was dropped from it starts with a full bucket: a flood from very many addresses
is stopped by the limit on connections.
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_MAX_PEERS = 4096  # about 1 MB
_HOST_BITS_OF_V6 = 64  # one IPv6 client usually has a /64


class PeerRateLimiter:
    """Allows up to `rate` requests per second from each address, with bursts of one second's worth."""

    def __init__(self, rate: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Create an empty table.

        Args:
            rate: requests per second.
            clock: the time in seconds.
        """
        self._rate = rate
        self._capacity = max(1.0, rate)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allow(self, host: str) -> bool:
        """Count one request of a peer, and return whether it is allowed.

        Args:
            host: its address, without the port. All peers without an address, as on a unix socket, count as one.
        """
        peer = _network(host)
        now = self._clock()
        tokens, then = self._buckets.pop(peer, (self._capacity, now))
        tokens = min(self._capacity, tokens + (now - then) * self._rate)
        allowed = tokens >= 1
        self._buckets[peer] = (tokens - 1 if allowed else tokens, now)
        if len(self._buckets) > _MAX_PEERS:
            self._buckets.popitem(last=False)
        return allowed


def _network(host: str) -> str:
    if ":" not in host:
        return host
    try:
        address = ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return host
    # A dual-stack socket shows an IPv4 address as an IPv6 address.
    return str(address.ipv4_mapped or int(address) >> _HOST_BITS_OF_V6)
