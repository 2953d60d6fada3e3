"""The rate of each peer: a bucket of tokens for each address, in memory only, neither logged nor exported.

The table is bounded. Whoever is pushed out of it begins with a full bucket: a flood from very many addresses is for the
bound on connections to stop.
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_PEERS = 4096  # about 1 MB
_HOST_BITS_OF_V6 = 64  # whoever has one IPv6 address has such a network of them


class PeerRateLimiter:
    """Admits so many requests a second from each address, and as many at once as a second's worth."""

    def __init__(self, rate: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with nobody.

        Args:
            rate: requests a second.
            clock: the time in seconds.
        """
        self._rate = rate
        self._most = max(1.0, rate)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def admit(self, host: str) -> bool:
        """Take one request of a peer into account, and say whether it may pass.

        Args:
            host: its address, without the port. All that have none, as on a unix socket, are one peer.
        """
        peer = _network(host)
        now = self._clock()
        tokens, then = self._buckets.pop(peer, (self._most, now))
        tokens = min(self._most, tokens + (now - then) * self._rate)
        admitted = tokens >= 1
        self._buckets[peer] = (tokens - 1 if admitted else tokens, now)
        if len(self._buckets) > _MOST_PEERS:
            self._buckets.popitem(last=False)
        return admitted


def _network(host: str) -> str:
    if ":" not in host:
        return host
    try:
        address = ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return host
    # A socket for both families shows an IPv4 address as one of IPv6.
    return str(address.ipv4_mapped or int(address) >> _HOST_BITS_OF_V6)
