"""Starts of every kind: those of the generator, and unusual ones that two engines could treat or count differently."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from tests.support.stored_starts import BEGIN, Truth, generate, line

if TYPE_CHECKING:
    from collections.abc import Iterator

_VERSIONS = [
    "v18.2.3", "vv1", "18.2.3-rc.1", "18.2.3-dev.x", "1.2.3.4", "007", "18.2.3\n", "18.2.3\n4", "18.2.3é", "18", "18.2",
    "99999.1", "100000.1", "18.2.3-", "v", "18.2.3\\z", "it's",
]  # fmt: skip
_HELPERS = [
    "gha:a/b",
    "gha:a",
    "GHA:a",
    "gha:" + "a" * 60,
    "gha:" + "a" * 61,
    "gha:a-12345",
    "cli:tbot\n",
    "kubernetes:é",
]
_NUMBERS = [0, 1, 2, 3, 2**31 - 1, 2**31, 2**63 - 1, -1, "1.5", "", " 1", "+1"]
_NANOSECOND = timedelta(microseconds=1)  # the resolution of a datetime


def mixed(count: int, *, days: int = 90) -> list[bytes]:
    """Return `count` generated lines, and the unusual ones."""
    return [*generate(count, Truth(), days=days), *unusual_starts()]


def unusual_starts() -> Iterator[bytes]:
    """Return the lines of unusual starts."""
    for version in _VERSIONS:
        yield line(version=version)
        yield line(version=version, signal="traces", run_mode="daemon")
    for helper in _HELPERS:
        yield line(helper=helper, helper_version="1.0.0")
    yield line(helper_version="1.0.0")
    yield line(helper="", helper_version="1.0.0")
    for number in _NUMBERS:
        yield line(destinations_other=number, destinations_application=1)
    yield line(destinations_other=None, destinations_database=None)
    yield line(run_mode=None)
    yield line(run_mode="ONE-SHOT")
    yield line(join_type="Token")
    yield line(resource={"os.type": "beos", "host.arch": "amd64"})
    yield line(session="5F0E8A52-9C1F-4B8E-A7D3-2A6F0C7BE1D4")
    yield line(session="no session")
    for time in _times():
        yield line(time=time, version="18.2.3")
    yield from _repeated()


def _times() -> Iterator[datetime]:
    midnight = datetime(2026, 7, 1, tzinfo=timezone.utc)  # of a month
    yield from (midnight, midnight - timedelta(seconds=1), midnight - _NANOSECOND, midnight + _NANOSECOND)
    yield from (datetime(year, 1, 1, tzinfo=timezone.utc) for year in (1970, 2021, 2022, 2150, 2261))


def _repeated() -> Iterator[bytes]:
    """Return deliveries of one session that are equal, and some that are not."""
    for number in range(20):
        session = str(uuid.UUID(int=number, version=4))
        time = BEGIN + timedelta(days=number, hours=23, minutes=59, seconds=59)
        yield line(session=session, time=time, version="18.2.3")
        yield line(session=session, time=time, version="18.2.3", signal="traces")
        if number % 4 == 1:
            yield line(session=session, time=time, version="17.0.0")  # at the same time
            yield line(session=session, time=time)
        if number % 4 == 2:
            yield line(session=session, time=time + timedelta(seconds=1), run_mode="daemon")  # on the next day
        if number % 4 == 3:
            yield line(session=session, time=time - timedelta(hours=1), signal="traces", join_type="token")
