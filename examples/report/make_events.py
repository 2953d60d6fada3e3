"""Write `events.jsonl.gz`: made-up starts of five months, in the format of the Collector's `file` exporter.

The events are always the same. They include a burst, a day without events, a new major release and a new join method.
"""

from __future__ import annotations

import gzip
import json
import math
import random
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

TARGET = Path(__file__).with_name("events.jsonl.gz")

_FIRST = datetime(2025, 7, 7, tzinfo=timezone.utc)  # a Monday
_DAYS = 21 * 7
_REQUEST = timedelta(hours=12)  # that one request covers; each is one line
_WITHOUT_EVENTS = 79  # the day of a gap, a Wednesday
_BURST = _FIRST + timedelta(days=107, hours=3)
_BURST_STARTS = 160
_NEW_JOIN_METHOD = 127  # the first day with `env0`
_RELEASES = {  # the week of each
    "15.4.26": -60,
    "16.5.9": -30,
    "17.4.8": -12,
    "17.5.2": -4,
    "17.7.1": 2,
    "18.0.0": 6,
    "18.1.4": 10,
    "18.2.2": 14,
    "18.3.1": 18,
}
_JOIN_METHODS = {
    "one-shot": {"github": 40, "gitlab": 19, "circleci": 7, "terraform_cloud": 6, "iam": 6, "token": 8, "azure": 4},
    "daemon": {"kubernetes": 45, "token": 16, "iam": 14, "bound_keypair": 8, "gcp": 6, "tpm": 6, "azure": 5},
}
_HELPERS = {"": 70, "gha:teleport-actions/auth": 18, "gha:teleport-actions/auth-k8s": 9, "terraform:provider": 3}
_PLATFORMS = {("linux", "amd64"): 80, ("linux", "arm64"): 14, ("darwin", "arm64"): 4, ("windows", "amd64"): 2}
_DESTINATIONS = {  # the weight of each number of destinations, by kind
    "other": {0: 10, 1: 66, 2: 16, 3: 8},
    "database": {0: 89, 1: 8, 2: 3},
    "kubernetes": {0: 62, 1: 32, 2: 6},
    "application": {0: 86, 1: 10, 2: 4},
}


def main() -> None:
    """Write the file."""
    with gzip.GzipFile(TARGET, "wb", mtime=0) as file:
        for line in lines():
            file.write(line.encode() + b"\n")


def lines() -> Iterator[str]:
    """Yield the requests, one per line."""
    chance = random.Random(18)  # noqa: S311 - the same events each time
    starts = sorted(_starts(chance), key=lambda start: start[0])
    number = 0
    for place in range(_DAYS * 2):
        begin = _FIRST + place * _REQUEST
        events = []
        for time, mode in starts:
            if begin <= time < begin + _REQUEST:
                events.append(_event(chance, number, time, mode))
                number += 1
        if events:
            yield json.dumps({"resourceLogs": events}, separators=(",", ":"))


def _starts(chance: random.Random) -> Iterator[tuple[datetime, str]]:
    """Yield the time and the run mode of each start."""
    for day in range(_DAYS):
        if day == _WITHOUT_EVENTS:
            continue
        midnight = _FIRST + timedelta(days=day)
        busy = 1 if midnight.weekday() < 5 else 0.35  # noqa: PLR2004 - Monday to Friday
        for _ in range(round((44 + day / 9) * busy * chance.uniform(0.9, 1.1))):
            yield midnight + timedelta(hours=min(23.9, max(0, chance.gauss(12, 3.6)))), "one-shot"
        for _ in range(round(24 * chance.uniform(0.85, 1.15))):
            yield midnight + timedelta(hours=chance.uniform(0, 24)), "daemon"
    for _ in range(_BURST_STARTS):
        yield _BURST + timedelta(hours=chance.uniform(0, 1)), "daemon"


def _event(chance: random.Random, number: int, time: datetime, mode: str) -> dict[str, Any]:
    """Return a start as a log record with its resource."""
    day = (time - _FIRST).days
    in_burst = mode == "daemon" and _BURST <= time < _BURST + timedelta(hours=1)
    version, join_method = _version(chance, day / 7), _one(chance, _JOIN_METHODS[mode])
    if mode == "daemon" and chance.random() < day / _DAYS / 8:
        join_method = "bound_keypair"
    if mode == "one-shot" and day >= _NEW_JOIN_METHOD and chance.random() < 0.05:  # noqa: PLR2004 - one of twenty
        join_method = "env0"
    if in_burst:
        version, join_method = "18.2.2", "kubernetes"
    attributes = {"tbot.run_mode": mode, "tbot.version": version, "tbot.join_type": join_method}
    helper = _one(chance, _HELPERS) if mode == "one-shot" else ""
    if helper:
        attributes |= {"tbot.helper": helper, "tbot.helper_version": "2.0.1"}
    counts = {f"tbot.destinations_{kind}": _one(chance, numbers) for kind, numbers in _DESTINATIONS.items()}
    system, architecture = _one(chance, _PLATFORMS)
    # A real one is random; this one is just as unique, and compresses better.
    session = f"{number:08x}-0000-4000-8000-000000000000"
    resource = {"service.name": "tbot", "session.id": session, "os.type": system, "host.arch": architecture}
    nanoseconds = f"{int(time.timestamp())}000000000"
    return {
        "resource": {"attributes": [_text(*one) for one in resource.items()]},
        "scopeLogs": [
            {
                "scope": {"name": "otel_tbot"},
                "logRecords": [
                    {
                        "timeUnixNano": nanoseconds,
                        "observedTimeUnixNano": nanoseconds,
                        "severityNumber": 9,
                        "eventName": "tbot.start",
                        "attributes": [
                            *(_text(*one) for one in attributes.items()),
                            *({"key": key, "value": {"intValue": str(count)}} for key, count in counts.items()),
                        ],
                    }
                ],
            }
        ],
    }


def _text(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


def _version(chance: random.Random, week: float) -> str:
    """Return a release of that time: its share rises for some weeks, and falls as newer ones come out."""
    ages = {name: week - came for name, came in _RELEASES.items() if came < week}
    staying = {name: 0.14 if name < "17" else 0.03 for name in ages}
    return _one(
        chance, {name: (1 - math.exp(-age / 2.5)) * math.exp(-age / 9) + staying[name] for name, age in ages.items()}
    )


def _one(chance: random.Random, weights: dict[Any, Any]) -> Any:  # noqa: ANN401 - one of the keys
    return chance.choices(list(weights), list(weights.values()))[0]


if __name__ == "__main__":
    main()
