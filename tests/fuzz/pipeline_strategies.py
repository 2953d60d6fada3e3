"""What a host may put into a pipeline: our events, similar records, other records, and objects that misbehave.

`SECRET` is in everything that must not be sent. No allowed value can contain it, because it has spaces.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from hypothesis import strategies as st
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext

from tests.fuzz import allowed_values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypothesis.strategies import DrawFn, SearchStrategy
    from typing_extensions import Self

SECRET = "a secret of the host"
EVENT_NAME = "tbot.start"
NAMES = sorted({*allowed_values.EVENT, *allowed_values.COUNTERS})
ERRORS: SearchStrategy[type[Exception]] = st.sampled_from(
    [
        *(ArithmeticError, AssertionError, AttributeError, KeyError, MemoryError, NotImplementedError, OSError),
        *(RecursionError, RuntimeError, StopIteration, TypeError, UnicodeError, ValueError),
    ]
)


# Objects that misbehave. Each could be a test double, a proxy or a broken plug-in.


class RaisingObject:
    """Raises for every attribute and operation."""

    def __init__(self, error: type[Exception]) -> None:
        """Set the error to raise."""
        object.__setattr__(self, "error", error)

    def __getattribute__(self, name: str) -> NoReturn:
        """Raise the error, also for `__class__`."""
        raise object.__getattribute__(self, "error")(SECRET)

    def __iter__(self) -> Iterator[object]:
        """Raise the error."""
        return self.anything

    def __eq__(self, other: object) -> bool:
        """Raise the error."""
        return self.anything

    def __hash__(self) -> int:
        """Raise the error."""
        return self.anything


class EndlessObject:
    """Is the value of each of its attributes and calls, and equals everything, like a mock."""

    def __getattr__(self, name: str) -> Self:
        """Return itself."""
        return self

    def __call__(self, *_: object, **__: object) -> Self:
        """Return itself."""
        return self

    def __eq__(self, other: object) -> bool:
        """Be equal to everything."""
        return True

    def __hash__(self) -> int:
        """Have the hash of the event's name."""
        return hash(EVENT_NAME)

    def __str__(self) -> str:
        """Return the secret."""
        return SECRET


class DeceptiveStr(str):  # noqa: SLOT000  a string cannot have slots with content
    """A string whose methods contradict its value."""

    _claimed: str

    def __new__(cls, text: str, claimed: str = EVENT_NAME) -> Self:
        """Create one with the hash of another text."""
        instance = super().__new__(cls, text)
        instance._claimed = claimed
        return instance

    def _lie(self, *_: object) -> str:
        return SECRET

    def __eq__(self, other: object) -> bool:
        """Be equal to everything."""
        return True

    def __hash__(self) -> int:
        """Return the hash of the other text."""
        return hash(self._claimed)

    def __len__(self) -> int:
        """Claim to be short."""
        return 1

    def encode(self, *_: object, **__: object) -> bytes:
        """Return the secret."""
        return SECRET.encode()

    def _self(self, *_: object) -> Self:
        return self

    __str__ = __repr__ = __format__ = __getitem__ = __add__ = _lie
    removeprefix = lower = strip = _self


class DeceptiveInt(int):
    """A number that claims to be in every range, and converts to another number."""

    def _other(self, *_: object) -> int:
        return -(2**70)

    def _yes(self, _: object) -> bool:
        return True

    __int__ = __index__ = __mod__ = __sub__ = __rsub__ = __trunc__ = _other
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = _yes
    __hash__ = int.__hash__


class ChangingMapping(Mapping[str, object]):
    """Contains every key, with another value at each lookup: the validated value is not the one that is read later."""

    def __init__(self, *values: object) -> None:
        """Set the values to return in turn."""
        self._values = deque(values)

    def __contains__(self, _: object) -> bool:
        """Contain every key."""
        return True

    def __getitem__(self, _: str) -> object:
        """Return the next value."""
        self._values.rotate(-1)
        return self._values[0]

    def __iter__(self) -> Iterator[str]:
        """Contain no key when iterated."""
        return iter(())

    def __len__(self) -> int:
        """Return the largest possible length."""
        return sys.maxsize


class Hostile(NamedTuple):
    """A recipe for a hostile object, because Hypothesis itself inspects what it draws.

    Attributes:
        kind: the class.
        arguments: the arguments of its constructor.
    """

    kind: Callable[..., Any]
    arguments: tuple[Any, ...] = ()


def built(drawn: Any) -> Any:  # noqa: ANN401  any value is possible
    """Return what was drawn, with recipes replaced by hostile objects."""
    if isinstance(drawn, Hostile):
        return drawn.kind(*map(built, drawn.arguments))
    if isinstance(drawn, dict):
        return {built(key): built(value) for key, value in drawn.items()}
    return type(drawn)(map(built, drawn)) if isinstance(drawn, (list, tuple)) else drawn


HOSTILE: SearchStrategy[Hostile] = (
    st.builds(Hostile, st.just(RaisingObject), st.tuples(ERRORS))
    | st.just(Hostile(EndlessObject))
    | st.builds(
        Hostile,
        st.just(DeceptiveStr),
        st.tuples(
            st.sampled_from(["tbot.start", "tbot.run_mode", "daemon", "18.2.3", SECRET]),
            st.sampled_from(["tbot.start", "tbot.run_mode", "daemon", "github"]),
        ),
    )
    | st.builds(Hostile, st.just(DeceptiveInt), st.tuples(st.integers(-(2**70), 2**70)))
    | st.builds(
        Hostile,
        st.just(ChangingMapping),
        st.lists(st.sampled_from(["daemon", 1, 0, -1, SECRET, None, 2**40]), min_size=1, max_size=4).map(tuple),
    )
)

# Values of any type.
TEXT = st.text(max_size=5) | st.sampled_from([SECRET, "tbot.start", "daemon", "\ud800", "v18.2.3\n", "0" * 65])
NUMBER = st.integers() | st.sampled_from([-1, 2**31 - 1, 2**31, 2**63 - 1, 2**63, 2**64, 10**40]) | st.floats()
SCALAR = st.none() | st.booleans() | NUMBER | TEXT | st.binary(max_size=8) | st.complex_numbers()
ANYTHING: SearchStrategy[Any] = st.recursive(
    SCALAR | HOSTILE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3) | st.tuples(inner, inner),
    max_leaves=4,
)
TIME = (
    SCALAR
    | st.sampled_from([0, 1, 10**9 - 1, 2**63 - 1, 2**63, 2**64, -1])
    | st.builds(Hostile, st.just(DeceptiveInt), st.tuples(st.integers()))
)
ANY_TIME = TIME | HOSTILE

HOSTILE_KEY = st.sampled_from(NAMES).map(lambda name: Hostile(DeceptiveStr, (SECRET, name)))

# Allowed values, as they are sent.
VERSION = st.builds(
    "{}{}".format,
    st.lists(st.integers(0, 99_999), min_size=1, max_size=3).map(lambda numbers: ".".join(map(str, numbers))),
    st.sampled_from(["", "-alpha", "-beta.0", "-rc.1", "-dev", "-dev.99999"]),
)
HELPER = st.builds(
    "{}:{}{}".format,
    st.sampled_from(["gha", "terraform", "cli"]),
    st.sampled_from(["", "a/", "teleport-actions/"]),
    st.from_regex(r"[a-z]{1,9}([0-9]{1,4})?(-[a-z]{1,9}){0,2}", fullmatch=True),
)
COUNTER = st.integers(0, allowed_values.LARGEST)
EVENTS = st.fixed_dictionaries(
    {"tbot.run_mode": st.sampled_from(["one-shot", "daemon"]), **dict.fromkeys(allowed_values.COUNTERS, COUNTER)},
    optional={
        "tbot.version": VERSION,
        "tbot.join_type": st.sampled_from(allowed_values.EVENT["tbot.join_type"].split("|")),
        "tbot.helper": HELPER | st.just("_OTHER"),
        "tbot.helper_version": VERSION,
    },
)


@st.composite
def events(draw: DrawFn) -> dict[str, object]:
    """Draw the attributes of an event as they are sent."""
    attributes: dict[str, object] = draw(EVENTS)
    if "tbot.helper" not in attributes:
        attributes.pop("tbot.helper_version", None)
    return attributes


@st.composite
def nearly_events(draw: DrawFn) -> dict[Any, Any]:
    """Draw the attributes of an event, with some values replaced, added or removed."""
    attributes: dict[Any, Any] = dict(draw(events()))
    attributes.update(draw(st.dictionaries(st.sampled_from([*NAMES, "session.id"]), HOSTILE | ANYTHING, max_size=3)))
    attributes.update(draw(st.dictionaries(TEXT | HOSTILE_KEY, ANYTHING, max_size=2)))
    for name in draw(st.sets(st.sampled_from(NAMES), max_size=2)):
        attributes.pop(name, None)
    return attributes


class Item:
    """The content of a record or span.

    Attributes:
        name: its name.
        attributes: its attributes.
        times: its two times.
        leaves: the attributes with which it must be sent; None if it must not be, or if that is unknown.
        is_start_event: whether it has the name of our event, without which it must not be sent.
    """

    def __init__(
        self, name: object, attributes: object, times: tuple[object, object], leaves: dict[str, object] | None = None
    ) -> None:
        """Set the content."""
        self.name = name
        self.attributes = attributes
        self.times = times
        self.leaves = leaves
        self.is_start_event = type(name) is str and name == EVENT_NAME

    def __repr__(self) -> str:
        """Return the content as text."""
        return f"Item({self.name!r}, {self.attributes!r}, {self.times!r}, {self.leaves!r})"

    def as_log_record(self) -> ReadableLogRecord:
        """Return a log record with this content, and the secret wherever a host can put a value."""
        record = LogRecord(
            timestamp=built(self.times[0]),
            observed_timestamp=built(self.times[1]),
            severity_text=SECRET,
            severity_number=SeverityNumber.FATAL4,
            body={"message": [SECRET]},
            attributes=built(self.attributes),
            event_name=built(self.name),
        )
        record.trace_id, record.span_id = 1, 2
        scope = InstrumentationScope(SECRET, SECRET, SECRET, {SECRET: SECRET})
        return ReadableLogRecord(record, Resource({"host.name": SECRET, "tbot.version": SECRET}, SECRET), scope)

    def as_span(self) -> ReadableSpan:
        """Return a span with this content, and the secret wherever a host can put a value."""
        return ReadableSpan(
            name=built(self.name),
            context=SpanContext(1, 2, is_remote=True),
            parent=SpanContext(1, 3, is_remote=True),
            resource=Resource({"host.name": SECRET, "tbot.version": SECRET}, SECRET),
            attributes=built(self.attributes),
            events=[Event(SECRET, {SECRET: SECRET})],
            start_time=built(self.times[0]),
            end_time=built(self.times[1]),
            instrumentation_scope=InstrumentationScope(SECRET, SECRET, SECRET, {SECRET: SECRET}),
        )


def _named(name: object, attributes: object) -> SimpleNamespace:
    return SimpleNamespace(name=name, event_name=name, attributes=attributes)


def _around(record: object) -> SimpleNamespace:
    return SimpleNamespace(log_record=record)


@st.composite
def valid_items(draw: DrawFn) -> Item:
    """Draw content that must be sent: a valid event among other attributes."""
    attributes = draw(events())
    others = draw(st.dictionaries(st.sampled_from(["host.name", SECRET, "tbot.", "tbot.secret"]), ANYTHING, max_size=2))
    return Item(EVENT_NAME, {**others, **attributes}, draw(st.tuples(TIME, TIME)), attributes)


NAMED_OTHERWISE = TEXT.filter(lambda name: name != EVENT_NAME) | st.sampled_from(
    ["tbot.start ", "TBOT.START", "tbot.stop", "tbot.start\0", "\uff54bot.start"]
)
ITEMS: SearchStrategy[Item] = (
    valid_items()
    | st.builds(Item, st.just(EVENT_NAME), nearly_events() | ANYTHING, st.tuples(ANY_TIME, ANY_TIME))
    | st.builds(Item, NAMED_OTHERWISE | HOSTILE | SCALAR, events() | nearly_events(), st.tuples(ANY_TIME, ANY_TIME))
)

# Objects that are neither a record nor a span, though some look like one.
NO_ITEMS: SearchStrategy[Any] = (
    ANYTHING
    | st.builds(Hostile, st.just(_named), st.tuples(st.just(EVENT_NAME) | ANYTHING, nearly_events() | ANYTHING))
    | st.builds(Hostile, st.just(_around), st.tuples(ANYTHING))
)


def broken_after(items: list[Any], error: type[Exception]) -> Iterator[Any]:
    """Yield some items, then raise."""
    yield from items
    raise error(SECRET)


# The types in which a batch may be passed.
CONTAINERS: SearchStrategy[Callable[[list[Any]], Any]] = st.sampled_from(
    [list, tuple, deque, iter, lambda items: (item for item in items)]
)
