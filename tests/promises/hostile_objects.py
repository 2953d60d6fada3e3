"""Objects that no host should pass to a library: they lie about their type, raise when they are used, or are endless.

Each has the attributes of both a log record and a span.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import otel_tbot

CANARY = "canary-of-the-host"
_SECOND = 1_700_000_000_000_000_000
_VALID = otel_tbot.StartEvent(run_mode="daemon", version="18.2.3").attributes


def _fail(*_: object, **__: object) -> Any:  # noqa: ANN401  never returns
    raise RuntimeError(CANARY)


def record_and_span(attributes: object, **changed: object) -> Any:  # noqa: ANN401  used as a record, span or batch
    """Return an object with the attributes of a log record and of a span.

    Args:
        attributes: the attributes of the record and span.
        changed: other fields, with unusual values.
    """
    usual = {
        "name": "tbot.start", "event_name": "tbot.start", "attributes": attributes,
        "timestamp": _SECOND, "observed_timestamp": _SECOND, "start_time": _SECOND, "end_time": _SECOND,
        "body": CANARY, "severity_text": CANARY, "resource": {"host.name": CANARY}, "events": [CANARY],
    }  # fmt: skip
    created = SimpleNamespace(**{**usual, **changed})
    created.log_record = changed.get("log_record", created)
    return created


class EveryAttributeRaises:
    """Raises for every attribute and operation."""

    __str__ = __repr__ = __len__ = __bool__ = __iter__ = __eq__ = __hash__ = _fail

    def __getattribute__(self, name: str) -> object:
        """Raise."""
        raise RuntimeError(CANARY, name)


class RaisingMapping(Mapping[str, object]):
    """Contains every key, and raises for each."""

    __getitem__ = __iter__ = __len__ = _fail

    def __contains__(self, key: object) -> bool:
        """Contain every key."""
        return True


class EndlessMapping(Mapping[str, object]):
    """Iterates without end, and contains itself under every key."""

    def __getitem__(self, key: str) -> object:
        """Return itself."""
        return self

    def __iter__(self) -> Iterator[str]:
        """Never end."""
        while True:
            yield CANARY

    def __len__(self) -> int:
        """Claim to have one key."""
        return 1


class DeceptiveStr(str):
    """Equals any other text, and raises when it is converted."""

    __slots__ = ()
    __hash__ = str.__hash__
    lower = strip = encode = __str__ = _fail

    def __eq__(self, other: object) -> bool:
        """Be equal to everything."""
        return True

    def __ne__(self, other: object) -> bool:
        """Never be unequal."""
        return False


class DeceptiveInt(int):
    """Is larger and smaller than any number, and raises when it is converted."""

    __hash__ = int.__hash__
    __int__ = __index__ = __str__ = __mod__ = __sub__ = _fail

    def __lt__(self, other: object) -> bool:
        """Be smaller than everything."""
        return True

    __gt__ = __le__ = __ge__ = __eq__ = __lt__


def _nested(depth: int) -> object:
    nested: object = CANARY
    for _ in range(depth):
        nested = [nested]
    return nested


_HUGE = 200_000


def _raising(*names: str) -> Any:  # noqa: ANN401  used as a record, span or batch
    usual = {one: value for one, value in vars(record_and_span(_VALID)).items() if one not in {*names, "log_record"}}
    created = type("Raising", (SimpleNamespace,), {name: property(_fail) for name in names})(**usual)
    if "log_record" not in names:
        created.log_record = created
    return created


# Objects that are not an event: nothing may be sent.
HOSTILE_OBJECTS: dict[str, Callable[[], object]] = {
    "None": lambda: None,
    "number": lambda: 7,
    "text": lambda: CANARY,
    "exception": lambda: RuntimeError(CANARY),
    "type": lambda: type,
    "every attribute raises": EveryAttributeRaises,
    "record is None": lambda: record_and_span(None, log_record=None, name=None),
    "another name": lambda: record_and_span(_VALID, name=CANARY, event_name=CANARY),
    "name that equals every name": lambda: record_and_span(
        _VALID, name=DeceptiveStr("x"), event_name=DeceptiveStr("x")
    ),
    "no attributes": lambda: record_and_span(None),
    "attributes are text": lambda: record_and_span(CANARY),
    "attributes raise": lambda: record_and_span(RaisingMapping()),
    "attributes never end": lambda: record_and_span(EndlessMapping()),
    "unknown run mode": lambda: record_and_span({**_VALID, "tbot.run_mode": CANARY}),
    "run mode is not text": lambda: record_and_span({**_VALID, "tbot.run_mode": EveryAttributeRaises()}),
    "run mode equals every text": lambda: record_and_span({**_VALID, "tbot.run_mode": DeceptiveStr(CANARY)}),
    "counter is text": lambda: record_and_span({**_VALID, "tbot.destinations_other": CANARY}),
    "counter is NaN": lambda: record_and_span({**_VALID, "tbot.destinations_other": float("nan")}),
    "counter is negative": lambda: record_and_span({**_VALID, "tbot.destinations_other": -1}),
    "names raise": lambda: _raising("log_record", "event_name", "name"),
    "attributes themselves raise": lambda: _raising("attributes"),
}
# Those that are not an event for code that reads only the attributes.
NOT_AN_EVENT = (
    "None", "number", "text", "exception", "type", "every attribute raises", "no attributes", "attributes are text",
    "attributes raise", "attributes themselves raise",
)  # fmt: skip
_WHEN = ("timestamp", "observed_timestamp", "start_time", "end_time")
# Objects with a valid event among other content: only the event may be sent.
VALID_WITH_EXTRAS: dict[str, Callable[[], object]] = {
    "many attributes": lambda: record_and_span({**_VALID, **{f"{CANARY}{one}": one for one in range(_HUGE)}}),
    "huge text": lambda: record_and_span({**_VALID, "huge": CANARY * _HUGE, "session.id": CANARY * _HUGE}),
    "deep value": lambda: record_and_span({**_VALID, "deep": _nested(100_000)}),
    "keys that are not text": lambda: record_and_span(_with_unusual_keys()),
    "session raises": lambda: record_and_span({**_VALID, "session.id": EveryAttributeRaises()}),
    "session equals every text": lambda: record_and_span({**_VALID, "session.id": DeceptiveStr(CANARY)}),
    "time is text": lambda: record_and_span(_VALID, **dict.fromkeys(_WHEN, CANARY)),
    "time is NaN": lambda: record_and_span(_VALID, **dict.fromkeys(_WHEN, float("nan"))),
    "time is too large": lambda: record_and_span(_VALID, **dict.fromkeys(_WHEN, 10**30)),
    "time is None": lambda: record_and_span(_VALID, **dict.fromkeys(_WHEN)),
    "time lies": lambda: record_and_span(_VALID, **dict.fromkeys(_WHEN, DeceptiveInt(_SECOND))),
    "counter lies": lambda: record_and_span({**_VALID, "tbot.destinations_other": DeceptiveInt(0)}),
    "resource raises": lambda: record_and_span(_VALID, resource=EveryAttributeRaises(), body=EveryAttributeRaises()),
    "attribute named twice": lambda: record_and_span({**_VALID, "TBOT.VERSION": CANARY, "tbot.version ": CANARY}),
}


def _with_unusual_keys() -> dict[object, object]:
    unusual: dict[object, object] = {7: CANARY, None: CANARY, (CANARY,): CANARY}
    unusual.update(_VALID.items())
    return unusual


def _breaks_off() -> Iterator[object]:
    yield None
    raise RuntimeError(CANARY)


HOSTILE_BATCHES: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "number": lambda: 7,
    "text": lambda: CANARY,
    "empty": list,
    "mapping": lambda: {CANARY: CANARY},
    "breaks off": _breaks_off,
    "every attribute raises": EveryAttributeRaises,
}


class _WrappedExporter:
    """A delegate exporter with a given answer."""

    def __init__(self, answer: Callable[[], object]) -> None:
        self._answer = answer

    def export(self, batch: object) -> object:
        """Return the answer."""
        assert batch is not None
        return self._answer()

    force_flush = shutdown = _fail


class _ExportRaises:
    """Raises when its `export` is looked up."""

    export = property(_fail)


BROKEN_EXPORTERS: dict[str, Callable[[], Any]] = {
    "raises": lambda: _WrappedExporter(_fail),
    "returns nothing": lambda: _WrappedExporter(lambda: None),
    "returns text": lambda: _WrappedExporter(lambda: CANARY),
    "returns an object that raises": lambda: _WrappedExporter(EveryAttributeRaises),
    "export raises on lookup": _ExportRaises,
    "every attribute raises": EveryAttributeRaises,
}


def _provider(thing: Callable[..., object]) -> Any:  # noqa: ANN401  a provider of either signal
    return SimpleNamespace(get_logger=thing, get_tracer=thing)


BROKEN_PROVIDERS: dict[str, Callable[[], Any]] = {
    "every attribute raises": EveryAttributeRaises,
    "get raises": lambda: _provider(_fail),
    "gets nothing": lambda: _provider(lambda *_: None),
    "emit raises": lambda: _provider(lambda *_: SimpleNamespace(emit=_fail, start_span=_fail)),
    "end raises": lambda: _provider(
        lambda *_: SimpleNamespace(emit=_fail, start_span=lambda *_, **__: SimpleNamespace(end=_fail))
    ),
    "not a provider": lambda: 7,
    "text": lambda: CANARY,
}
