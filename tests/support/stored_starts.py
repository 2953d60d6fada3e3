"""Starts as a Collector's file exporter stores them, mixed with other content of such files, and the expected counts.

The expected counts are written next to each value, not computed by the package under test.
"""

from __future__ import annotations

import json
import random
import uuid
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BEGIN = datetime(2026, 6, 1, tzinfo=timezone.utc)
NOT_SET = "(not set)"

# The stored value, and the value that it counts as.
_VERSIONS = {
    "18.2.3": "18.2.3",
    "v18.4.1": "18.4.1",
    "17.7.1": "17.7.1",
    "19.0.0-rc.1": "19.0.0-rc.1",
    "18.2.3+build.7": "18.2.3",
    "18.2.3-custom.payments": "18.2.3",
    "=cmd()": NOT_SET,
    "": NOT_SET,
}
_JOIN_TYPES = {"github": "github", "kubernetes": "kubernetes", "iam": "iam", "<b>x</b>": "_OTHER", "": NOT_SET}
_RUN_MODES = ("one-shot", "one-shot", "one-shot", "daemon")


@dataclass
class Truth:
    """The counts that a report must show for generated lines.

    Attributes:
        starts: by version and run mode, as they count.
        join_types: by join method and run mode.
        unreadable: lines that are not OTLP/JSON.
        invalid: records named `tbot.start` that the schema does not allow.
        repeated: further deliveries of a session.
        implausible: starts with an impossible time.
    """

    starts: Counter[tuple[str, str]] = field(default_factory=Counter)
    join_types: Counter[tuple[str, str]] = field(default_factory=Counter)
    unreadable: int = 0
    invalid: int = 0
    repeated: int = 0
    implausible: int = 0

    def totals(self) -> dict[str, int]:
        """Return the starts of each run mode."""
        return {
            mode: sum(number for (_, of), number in self.starts.items() if of == mode)
            for mode in ("one-shot", "daemon")
        }


def line(
    *,
    time: datetime = BEGIN,
    session: str | None = None,
    resource: Mapping[str, str] | None = None,
    name: str = "tbot.start",
    signal: str = "logs",
    **values: object,
) -> bytes:
    """Return one start as a line of OTLP/JSON.

    Args:
        time: when it happened.
        session: its `session.id`; by default a new one.
        resource: further attributes of its resource.
        name: the name of the record.
        signal: `logs` or `traces`.
        values: attributes without `tbot.`; an int is sent as a number, None removes a default.
    """
    identity = session or str(uuid.uuid4())
    attributes = {"service.name": "tbot", "session.id": identity, "service.instance.id": identity, **(resource or {})}
    counters = dict.fromkeys((f"destinations_{kind}" for kind in ("other", "database", "kubernetes", "application")), 0)
    event = {f"tbot.{key}": value for key, value in {"run_mode": "one-shot", **counters, **values}.items()}
    nanoseconds = str(int(time.timestamp()) * 10**9)
    record: dict[str, Any] = {
        "attributes": [_attribute(key, value) for key, value in event.items() if value is not None]
    }
    scope = {"name": "otel_tbot", "version": "1.0.0"}
    shared = {"resource": {"attributes": [_attribute(key, value) for key, value in attributes.items()]}}
    if signal == "logs":
        record |= {"timeUnixNano": nanoseconds, "eventName": name, "severityNumber": 9, "body": {}}
        part = {**shared, "scopeLogs": [{"scope": scope, "logRecords": [record]}]}
        return json.dumps({"resourceLogs": [part]}, separators=(",", ":")).encode() + b"\n"
    record |= {"startTimeUnixNano": nanoseconds, "endTimeUnixNano": nanoseconds, "name": name, "kind": 1}
    part = {**shared, "scopeSpans": [{"scope": scope, "spans": [record]}]}
    return json.dumps({"resourceSpans": [part]}, separators=(",", ":")).encode() + b"\n"


def _attribute(key: str, value: object) -> dict[str, Any]:
    # The Collector writes integers as strings, as OTLP/JSON requires.
    return {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}


def generate(count: int, truth: Truth, *, seed: int = 1, days: int = 90) -> Iterator[bytes]:
    """Return the lines of `count` records, and add what they count as to `truth`."""
    chance = random.Random(seed)  # noqa: S311  not a secret
    sent: deque[bytes] = deque(maxlen=100)
    for _ in range(count):
        time = BEGIN + timedelta(seconds=chance.randrange(days * 86400))
        session = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        signal = chance.choice(("logs", "logs", "logs", "traces"))
        kind = chance.random()
        if kind < 0.01 and sent:
            yield chance.choice(sent)
            truth.repeated += 1
        elif kind < 0.02:
            yield line(time=time, session=session, name="other.event", signal=signal)
        elif kind < 0.03:
            wrong = chance.choice(({"run_mode": "both"}, {"destinations_other": -1}, {"destinations_database": "1.5"}))
            yield line(time=time, session=session, signal=signal, **wrong)
            truth.invalid += 1
        elif kind < 0.035:
            whole = line(time=time, session=session)
            yield whole[: chance.randrange(1, len(whole) - 2)] + b"\n"
            truth.unreadable += 1
        elif kind < 0.04:
            impossible = chance.choice(
                (datetime(1999, 1, 1, tzinfo=timezone.utc), datetime(2100, 1, 1, tzinfo=timezone.utc))
            )
            yield line(time=impossible, session=session, signal=signal)
            truth.implausible += 1
        else:
            stored = _start(chance, time, session, signal, truth)
            sent.append(stored)
            yield stored


def _start(chance: random.Random, time: datetime, session: str, signal: str, truth: Truth) -> bytes:
    version, mode, join_type = chance.choice([*_VERSIONS]), chance.choice(_RUN_MODES), chance.choice([*_JOIN_TYPES])
    truth.starts[_VERSIONS[version], mode] += 1
    truth.join_types[_JOIN_TYPES[join_type], mode] += 1
    return line(
        time=time,
        session=session,
        signal=signal,
        resource={"os.type": "linux", "host.arch": chance.choice(("amd64", "arm64", "m68k"))},
        run_mode=mode,
        version=version,
        join_type=join_type,
        helper=chance.choice(("gha:teleport-actions/auth", None)),
        destinations_other=chance.randrange(3),
        destinations_kubernetes=chance.randrange(5),
    )
