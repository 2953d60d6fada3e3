"""For any input of exporters, processor and sampler, nothing is raised, and only allowed values are sent."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import patch
from uuid import UUID

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Decision

from otel_tbot import (
    AnonymousLogExporter,
    AnonymousSpanExporter,
    InvalidEventError,
    OptInLogRecordProcessor,
    OptInSampler,
    StartEvent,
)
from otel_tbot.session import current_session
from otel_tbot.testing import OTLPReceiver
from tests.fuzz import allowed_values, in_memory_backend
from tests.fuzz.pipeline_strategies import (
    ANYTHING,
    CONTAINERS,
    ERRORS,
    EVENT_NAME,
    ITEMS,
    NAMES,
    NO_ITEMS,
    SCALAR,
    SECRET,
    TEXT,
    DeceptiveInt,
    DeceptiveStr,
    Hostile,
    Item,
    RaisingObject,
    broken_after,
    built,
    valid_items,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WHOLE: dict[str, object] = {"tbot.run_mode": "daemon", **dict.fromkeys(allowed_values.COUNTERS, 1)}
NUMBER = Hostile(DeceptiveInt, (10**18,))
LIE = Hostile(DeceptiveStr, (SECRET, "daemon"))
ON = {"TELEPORT_ANONYMOUS_TELEMETRY": "1"}


class Signal(NamedTuple):
    """One of the two signals, and its functions for these tests."""

    exporter: Callable[[], tuple[Any, in_memory_backend.Wire]]
    build: Callable[[Item], Any]
    read: Callable[[Any], list[in_memory_backend.SentEvent]]


LOGS = Signal(in_memory_backend.log_exporter, Item.as_log_record, in_memory_backend.log_records)
TRACES = Signal(in_memory_backend.span_exporter, Item.as_span, in_memory_backend.spans)
SIGNALS = (LOGS, TRACES)


@pytest.fixture(autouse=True)
def _opted_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEPORT_ANONYMOUS_TELEMETRY", "1")


@contextmanager
def logged() -> Iterator[list[str]]:
    """Keep a log record."""
    messages: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("otel_tbot")
    logger.addHandler(handler)
    try:
        yield messages
    finally:
        logger.removeHandler(handler)


def exported(signal: Signal, batch: object) -> list[in_memory_backend.SentEvent]:
    """Export a batch, check the result, the values and the logs, and return what was sent."""
    exporter, delegate = signal.exporter()
    with logged() as messages:
        result = exporter.export(batch)
    assert result.name in {"SUCCESS", "FAILURE"}
    assert (result.name == "FAILURE") == any(text.startswith("tbot.start was not delivered") for text in messages)
    assert SECRET not in "".join(messages)
    assert SECRET.encode() not in b"".join(delegate.requests)
    assert len(delegate.requests) <= 1
    return signal.read(delegate.requests)


def are_among(expected_items: list[Any], found: list[Any]) -> bool:
    """Return whether all wanted items are found in this order, possibly among others."""
    rest = iter(found)
    return all(one in rest for one in expected_items)


@given(items=st.lists(ITEMS, max_size=3), put=CONTAINERS)
@example(items=[Item(EVENT_NAME, WHOLE, (NUMBER, NUMBER), WHOLE)], put=list)
@example(items=[Item(EVENT_NAME, WHOLE, (1, 1), WHOLE)], put=list)
@example(items=[Item(EVENT_NAME, dict.fromkeys(allowed_values.EVENT, LIE), (None, None))], put=list)
def test_records(items: list[Item], put: Callable[[list[Any]], Any]) -> None:
    """The events of any batch are sent complete and in order, and nothing else is."""
    for signal in SIGNALS:
        left = [one.attributes for one in exported(signal, put([signal.build(item) for item in items]))]

        assert are_among([item.leaves for item in items if item.leaves], left)
        assert len(left) <= sum(item.is_start_event for item in items)


@given(sound=valid_items(), before=st.lists(NO_ITEMS, max_size=2), after=st.lists(NO_ITEMS, max_size=2))
def test_between_other_objects(sound: Item, before: list[Any], after: list[Any]) -> None:
    """An event is sent, regardless of the other objects in its batch."""
    for signal in SIGNALS:
        left = exported(signal, [*built(before), signal.build(sound), *built(after)])

        assert are_among([sound.leaves], [one.attributes for one in left])


@given(batch=ANYTHING)
def test_not_a_batch(batch: object) -> None:
    """An object that is not a batch raises nothing, and nothing is sent."""
    for signal in SIGNALS:
        assert exported(signal, built(batch)) == []


@given(items=st.lists(ITEMS, max_size=2), error=ERRORS)
def test_raising_batch(items: list[Item], error: type[Exception]) -> None:
    """A batch that raises while it is read raises nothing."""
    for signal in SIGNALS:
        exported(signal, broken_after([signal.build(item) for item in items], error))


@given(item=valid_items(), session_id=ANYTHING | st.uuids().map(str) | st.uuids(version=4).map(str))
def test_session(item: Item, session_id: object) -> None:
    """A session id is sent only if it is a random UUID."""
    assert isinstance(item.attributes, dict)
    attributes = {**item.attributes, "session.id": session_id}
    for signal in SIGNALS:
        (left,) = exported(signal, [signal.build(Item(EVENT_NAME, attributes, item.times))])

        assert left.attributes == item.leaves
        if type(session_id) is str and is_random(session_id):
            assert left.resource["session.id"] == session_id
        else:
            assert left.resource["session.id"] == current_session().id


def is_random(session_id: str) -> bool:
    """Return whether a text is a UUID of version 4 in its usual form."""
    with suppress(ValueError):
        found = UUID(session_id)
        return str(found) == session_id and found.version == 4
    return False


@given(item=valid_items(), answer=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_without_consent(item: Item, answer: str) -> None:
    """Nothing is sent unless the variable is exactly 1."""
    assume(answer != "1")
    with patch.dict(os.environ, {"TELEPORT_ANONYMOUS_TELEMETRY": answer}):
        for signal in SIGNALS:
            assert exported(signal, [signal.build(item)]) == []


@pytest.fixture(scope="module")
def backend() -> Iterator[OTLPReceiver]:
    """A real backend."""
    with OTLPReceiver() as running:
        yield running


@given(items=st.lists(ITEMS, min_size=1, max_size=2))
def test_on_the_wire(backend: OTLPReceiver, items: list[Item]) -> None:
    """A real backend gets only allowed values of any batch."""
    exporters: tuple[Any, ...] = (
        AnonymousLogExporter(endpoint=f"{backend.http_endpoint}/v1/logs"),
        AnonymousSpanExporter(endpoint=f"{backend.http_endpoint}/v1/traces"),
    )
    for signal, exporter in zip(SIGNALS, exporters, strict=True):
        backend.clear()
        exporter.export([signal.build(item) for item in items])
        exporter.shutdown()

        left = signal.read(request.body for request in backend.requests)
        assert are_among([item.leaves for item in items if item.leaves], [one.attributes for one in left])


# An object that raises when it is read raises in the caller's own code.
LOOKED_AT = ANYTHING.filter(lambda value: not (isinstance(value, Hostile) and value.kind is RaisingObject))


@given(
    values=st.fixed_dictionaries(
        {"run_mode": st.sampled_from(["daemon", "one-shot"]) | LOOKED_AT},
        optional={name.removeprefix("tbot."): LOOKED_AT for name in NAMES if name != "tbot.run_mode"},
    )
)
def test_event(values: dict[str, Any]) -> None:
    """An event built from any values is rejected, or has only allowed values."""
    try:
        event = StartEvent(**built(values))
    except InvalidEventError as error:
        message = str(error)
    else:
        allowed_values.check_event(event.attributes)
        message = repr(event)
    assert SECRET not in message


class RecordingProcessor:
    """A processor that keeps records, and may raise."""

    def __init__(self, error: type[Exception] | None) -> None:
        """Create one without records."""
        self.records: list[Any] = []
        self._error = error

    def on_emit(self, log_record: Any) -> None:  # noqa: ANN401  any value is possible
        """Keep a record."""
        self.records.append(log_record)
        if self._error is not None:
            raise self._error(SECRET)


@given(items=st.lists(ITEMS, max_size=2), others=st.lists(NO_ITEMS, max_size=2), error=st.none() | ERRORS)
def test_processor(items: list[Item], others: list[Any], error: type[Exception] | None) -> None:
    """The processor forwards records with our event's name and no others, and never raises."""
    kept = RecordingProcessor(error)
    processor = OptInLogRecordProcessor(kept)  # type: ignore[arg-type]  # it has the one method that is called
    for other in built(others):
        processor.on_emit(other)
    kept.records.clear()
    records = [item.as_log_record() for item in items]
    for record in records:
        processor.on_emit(record)  # type: ignore[arg-type]  # it has the attributes of a writable record

    passed = {id(record) for record in kept.records}
    for item, record in zip(items, records, strict=True):
        # A name that is not a str may equal ours. The exporters, which make the final decision, reject it.
        if type(item.name) is str:
            assert (id(record) in passed) is item.is_start_event


@given(
    name=st.just(EVENT_NAME) | st.text(max_size=12),
    attributes=st.none() | st.dictionaries(TEXT, ANYTHING, max_size=3),
    trace_id=st.integers(0, 2**128),
    wrapped=st.sampled_from([ALWAYS_ON, ALWAYS_OFF]),
    consent=st.booleans(),
)
def test_sampler(name: str, attributes: Any, trace_id: int, wrapped: Any, consent: bool) -> None:  # noqa: ANN401, FBT001
    """Without consent every span is dropped; with it, ours is recorded, and the delegate sampler decides on others."""
    with patch.dict(os.environ, ON if consent else {"TELEPORT_ANONYMOUS_TELEMETRY": "0"}):
        found = OptInSampler(wrapped).should_sample(None, trace_id, name, None, built(attributes)).decision

    recorded = consent and (name == EVENT_NAME or wrapped is ALWAYS_ON)
    assert found is (Decision.RECORD_AND_SAMPLE if recorded else Decision.DROP)


@given(
    argument=SCALAR
    | st.lists(SCALAR)
    | st.builds(
        "=".join,
        st.tuples(
            st.sampled_from(["traceidratio", "ParentBased_TraceIdRatio", " always_on", "always_off"]),
            st.floats().map(str) | st.text(max_size=5),
        ),
    )
)
def test_sampler_argument(argument: Any) -> None:  # noqa: ANN401  any value is possible
    """Any argument for the delegate sampler results in a sampler, and is not repeated in a log."""
    with logged() as messages:
        sampler = OptInSampler(argument)

    assert sampler.should_sample(None, 1, EVENT_NAME).decision is Decision.RECORD_AND_SAMPLE
    assert sampler.should_sample(None, 1, "other").decision in Decision
    assert set(messages) <= {
        "OTEL_TRACES_SAMPLER_ARG is not a known sampler: parentbased_always_on is used for other spans"
    }
