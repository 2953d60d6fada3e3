"""The event has nine valid values, and nothing else."""

from __future__ import annotations

import dataclasses
import time

import pytest

from otel_tbot.errors import InvalidEventError
from otel_tbot.event import StartEvent, truncate_to_second, validate_attributes, validated_attributes
from otel_tbot.tbot.start import TbotStart


def test_counters_are_always_sent() -> None:
    """An event with only a run mode has this attribute and four zeros."""
    assert StartEvent(run_mode="daemon").attributes == {
        "tbot.run_mode": "daemon",
        "tbot.destinations_other": 0,
        "tbot.destinations_database": 0,
        "tbot.destinations_kubernetes": 0,
        "tbot.destinations_application": 0,
    }


def test_all_attributes() -> None:
    """A complete event has nine attributes, in the order of the schema."""
    event = StartEvent(
        run_mode="one-shot",
        version="18.2.3",
        join_type="github",
        helper="gha:teleport-actions/auth",
        helper_version="2.0.1",
        destinations_other=1,
        destinations_database=2,
        destinations_kubernetes=3,
        destinations_application=4,
    )
    assert list(event.attributes.items()) == [
        ("tbot.run_mode", "one-shot"),
        ("tbot.version", "18.2.3"),
        ("tbot.join_type", "github"),
        ("tbot.helper", "gha:teleport-actions/auth"),
        ("tbot.helper_version", "2.0.1"),
        ("tbot.destinations_other", 1),
        ("tbot.destinations_database", 2),
        ("tbot.destinations_kubernetes", 3),
        ("tbot.destinations_application", 4),
    ]


@pytest.mark.parametrize("run_mode", ["", "oneshot", "ONE-SHOT", "daemon ", None, 1])
def test_run_mode_is_one_of_two(run_mode: object) -> None:
    """Any other run mode is rejected."""
    with pytest.raises(InvalidEventError, match=r"^tbot.run_mode must be one-shot or daemon$"):
        StartEvent(run_mode=run_mode)  # type: ignore[arg-type]  # possible without type checks


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("18.2.3", "18.2.3"),
        ("v18.2.3", "18.2.3"),
        ("19.0.0-dev", "19.0.0-dev"),
        ("18.0.0-alpha.1", "18.0.0-alpha.1"),
        ("17.4.2+ent", "17.4.2"),
        ("18", "18"),
        ("0.1", "0.1"),
        ("99999.99999.99999-rc.99999", "99999.99999.99999-rc.99999"),
        ("1.0-alice.laptop.corp", "1.0"),
        ("19.0.0-dev.alice-laptop", "19.0.0-dev"),
        ("19.0.0-dev.3.alice", "19.0.0-dev.3"),
        ("19.0.0-rc1", "19.0.0"),
        ("19.0.0-rc.123456", "19.0.0-rc"),
        ("19.0.0-developer", "19.0.0"),
        ("18.2.3.4", "18.2.3"),
        ("18.123456", "18"),
        ("18.02", "18"),
        ("18.", "18"),
        ("18..2", "18"),
        ("18.2.3 ", "18.2.3"),
        ("18.2.3\n", "18.2.3"),
        ("18.2.3-h\xf8st", "18.2.3"),
        ("20261127", None),
        ("018", None),
        ("18a", None),
        ("7node.corp.example.com", None),
        ("node7.corp.example.com", None),
        ("alice@example.com", None),
        ("", None),
        (None, None),
        ("vv18", None),
        (" 18", None),
        ("\u0661\u0668.2.3", None),
        ("latest", None),
        ("\ud800", None),
        (18, None),
    ],
)
def test_version(given: object, sent: str | None) -> None:
    """A version is rebuilt from its numbers; what follows is dropped, and anything else is left out."""
    assert StartEvent(run_mode="daemon", version=given).version == sent  # type: ignore[arg-type]  # possible without type checks


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("token", "token"),
        ("bound_keypair", "bound_keypair"),
        ("_OTHER", "_OTHER"),
        ("bound-keypair", "_OTHER"),
        ("Token", "_OTHER"),
        ("my-secret-method", "_OTHER"),
        ("\ud800", "_OTHER"),
        (7, "_OTHER"),
        ("", None),
        (None, None),
    ],
)
def test_join_type(given: object, sent: str | None) -> None:
    """An unknown join method is never sent by its name."""
    assert StartEvent(run_mode="daemon", join_type=given).join_type == sent  # type: ignore[arg-type]  # possible without type checks


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("gha:teleport-actions/auth", "gha:teleport-actions/auth"),
        ("gha:teleport-actions/auth-k8s", "gha:teleport-actions/auth-k8s"),
        ("terraform:provider", "terraform:provider"),
        ("cli:1234-4321", "cli:1234-4321"),
        ("cli:a" + "-a" * 29, "cli:a" + "-a" * 29),
        ("cli:" + "a" * 60, "cli:" + "a" * 60),
        ("cli:" + "a" * 61, "_OTHER"),
        ("cli:12345", "_OTHER"),
        ("cli:a12345b", "_OTHER"),
        ("cli:a--b", "_OTHER"),
        ("cli:-a", "_OTHER"),
        ("cli:a-", "_OTHER"),
        ("cli:a/b/c", "_OTHER"),
        ("cli:", "_OTHER"),
        ("cli:A", "_OTHER"),
        ("CLI:a", "_OTHER"),
        ("my:helper", "_OTHER"),
        ("helper", "_OTHER"),
        ("gha:alice@example.com", "_OTHER"),
        ("node7.corp.example.com", "_OTHER"),
        ("cli:a\n", "_OTHER"),
        ("cli:é", "_OTHER"),
        ("cli:\u0661", "_OTHER"),
        ("", None),
        (None, None),
    ],
)
def test_helper(given: str | None, sent: str | None) -> None:
    """A helper name that does not have the form of one is not sent."""
    assert StartEvent(run_mode="daemon", helper=given).helper == sent


@pytest.mark.parametrize(
    ("helper", "version", "sent"),
    [("cli:h", "1.2", "1.2"), ("h", "v1", "1"), ("cli:h", "main", None), (None, "1.2", None), ("", "1.2", None)],
)
def test_helper_version_needs_a_helper(helper: str | None, version: str, sent: str | None) -> None:
    """A helper version without a helper is not sent."""
    assert StartEvent(run_mode="daemon", helper=helper, helper_version=version).helper_version == sent


@pytest.mark.parametrize("count", [-1, 1.0, "1", None, True, [1]])
def test_counters_are_whole_numbers(count: object) -> None:
    """A counter that is not a whole number or is negative is rejected, and its value is not repeated."""
    with pytest.raises(
        InvalidEventError, match=r"^tbot.destinations_other must be a whole number that is not negative$"
    ):
        StartEvent(run_mode="daemon", destinations_other=count)  # type: ignore[arg-type]  # possible without type checks


def test_counters_end_at_int32() -> None:
    """A counter above the largest int32 is sent as the largest int32."""
    assert StartEvent(run_mode="daemon", destinations_database=2**40).destinations_database == 2**31 - 1


def test_frozen() -> None:
    """An event is immutable."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        StartEvent(run_mode="daemon").version = "1"  # type: ignore[misc]  # the mistake under test


def test_no_string_of_the_caller_is_kept() -> None:
    """A string that falsely equals an allowed one is not sent, and the caller's object is not kept."""

    class Liar(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = str.__hash__

        def __str__(self) -> str:
            return "secret"

    event = StartEvent(run_mode="daemon", join_type=Liar("secret"), helper=Liar("cli:helper"))
    assert [(type(value), value) for value in event.attributes.values()][:3] == [
        (str, "daemon"),
        (str, "_OTHER"),
        (str, "cli:helper"),
    ]


def test_no_number_of_the_caller_is_kept() -> None:
    """A number that falsely claims to be in range is sent with its real value, or rejected."""

    class Liar(int):
        __slots__ = ()

        def __lt__(self, other: object) -> bool:
            return False

        def __int__(self) -> int:
            return -7

        def __index__(self) -> int:
            return -7

    event = StartEvent(run_mode="daemon", destinations_other=Liar(3))
    assert (type(event.destinations_other), event.destinations_other) == (int, 3)
    with pytest.raises(InvalidEventError):
        StartEvent(run_mode="daemon", destinations_other=Liar(-3))


def test_from_attributes_takes_no_other_names() -> None:
    """`from_attributes` ignores every name that is not in the schema."""
    event = StartEvent.from_attributes({"tbot.run_mode": "daemon", "host.name": "secret", "run_mode": "one-shot"})
    assert event == StartEvent(run_mode="daemon")


def test_from_attributes_needs_a_run_mode() -> None:
    """`from_attributes` requires a run mode."""
    with pytest.raises(InvalidEventError):
        StartEvent.from_attributes({"tbot.version": "18.2.3"})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (1_700_000_000_123_456_789, 1_700_000_000_000_000_000),
        (1_000_000_000, 1_000_000_000),
        (9_223_372_036_854_775_807, 9_223_372_036_000_000_000),
    ],
)
def test_time_is_truncated(given: int, expected: int) -> None:
    """A time is truncated to the whole second."""
    assert truncate_to_second(given) == expected


@pytest.mark.parametrize("given", [None, 0, -1, 999_999_999, 9_223_372_036_854_775_808, 1.5e18, True, "1", b"1"])
def test_invalid_time_is_now(monkeypatch: pytest.MonkeyPatch, given: object) -> None:
    """Anything that is not an OTLP time is replaced by the current time, truncated as well."""
    monkeypatch.setattr(time, "time_ns", lambda: 1_800_000_000_500_000_000)
    assert truncate_to_second(given) == 1_800_000_000_000_000_000


def test_time_is_a_plain_number() -> None:
    """A subclass of int becomes a plain int."""

    class Number(int):
        pass

    assert type(truncate_to_second(Number(2_000_000_001))) is int


def test_from_start() -> None:
    """`from_start` returns an event with the given version."""
    start = TbotStart("daemon", "github", None, None, 1, 2, 3, 4)
    assert StartEvent.from_start(start, version="v18.2.3").attributes == {
        "tbot.run_mode": "daemon",
        "tbot.version": "18.2.3",
        "tbot.join_type": "github",
        "tbot.destinations_other": 1,
        "tbot.destinations_database": 2,
        "tbot.destinations_kubernetes": 3,
        "tbot.destinations_application": 4,
    }


def test_missing_values() -> None:
    """A missing counter is 0, and a missing string is left out."""
    assert validate_attributes({"tbot.run_mode": "daemon", "host.name": "canary"}) == {
        "tbot.run_mode": "daemon",
        "tbot.destinations_other": 0,
        "tbot.destinations_database": 0,
        "tbot.destinations_kubernetes": 0,
        "tbot.destinations_application": 0,
    }


def test_trusted_attributes() -> None:
    """Only an event itself is trusted: instances of subclasses and other objects are validated."""

    class Forged(StartEvent):
        attributes = {"tbot.run_mode": "daemon", "host.name": "canary"}  # type: ignore[assignment]  # noqa: RUF012  forged

    event = StartEvent(run_mode="daemon", version="1.2")
    assert validated_attributes(event) == event.attributes
    assert validated_attributes(Forged(run_mode="daemon")) == StartEvent(run_mode="daemon").attributes


def test_events_do_not_change() -> None:
    """An event is immutable, has no other attributes, and takes its values by keyword."""
    event = StartEvent(run_mode="daemon")
    for name in ("run_mode", "host_name"):
        with pytest.raises((AttributeError, TypeError)):
            setattr(event, name, "daemon")
    assert not hasattr(event, "__dict__")
    with pytest.raises(TypeError):
        StartEvent("daemon")  # type: ignore[call-arg]  # possible without type checks
