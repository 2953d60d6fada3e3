"""Consent: off unless asked, with the variable that decided in the reason."""

from __future__ import annotations

import pytest

from otel_tbot import consent
from otel_tbot.opt_in import is_opt_in_set

OPT_IN = "TELEPORT_ANONYMOUS_TELEMETRY"
NO = (
    "", "0", "false", "no", "off", "TRUE", "true", "True", "t", "T", "yes", "on", " 1", "1 ", "1\n", "01", "1.0", "+1",
    "2", "11", "-1", "0x1", "\uff11", "\xb9", "é", "null", "None", "enabled", "\udcff",
)  # fmt: skip


def test_off_by_default() -> None:
    """Without the variable nothing is sent."""
    decision = consent({})
    assert (bool(decision), decision.variable) == (False, OPT_IN)
    assert decision.reason == "TELEPORT_ANONYMOUS_TELEMETRY is not set"


def test_on_with_exactly_1() -> None:
    """The only value that opts in is 1."""
    decision = consent({OPT_IN: "1"})
    assert (bool(decision), decision.variable) == (True, OPT_IN)


@pytest.mark.parametrize("value", NO)
def test_every_other_value_is_off(value: str) -> None:
    """With any other value nothing is sent."""
    assert not consent({OPT_IN: value})


@pytest.mark.parametrize("value", ["0", "1", "yes"])
def test_values_that_tbot_does_not_accept_either(value: str) -> None:
    """A value that tbot reads as false or rejects is not reported as one that only tbot accepts."""
    assert not consent({OPT_IN: value}).tbot_would_accept


def test_representation() -> None:
    """The representation shows the decision and its reason."""
    assert repr(consent({})) == "Consent(on=False, reason='TELEPORT_ANONYMOUS_TELEMETRY is not set')"


@pytest.mark.parametrize("value", ["t", "T", "TRUE", "true", "True"])
def test_values_that_only_tbot_accepts(value: str) -> None:
    """A value that only tbot itself reads as true is off, and the reason says so without repeating it."""
    decision = consent({OPT_IN: value})
    assert not decision
    assert decision.tbot_would_accept
    assert "tbot itself reads this value as true" in decision.reason


@pytest.mark.parametrize("value", ["1", "true", "yes", " ", "FALSE", "00"])
def test_do_not_track(value: str) -> None:
    """DO_NOT_TRACK with anything but empty, 0 or false is off, regardless of the opt-in."""
    decision = consent({OPT_IN: "1", "DO_NOT_TRACK": value})
    assert (bool(decision), decision.variable) == (False, "DO_NOT_TRACK")


@pytest.mark.parametrize("value", ["", "0", "false"])
def test_do_not_track_is_no(value: str) -> None:
    """DO_NOT_TRACK that is empty, 0 or false leaves the decision to the opt-in."""
    assert consent({OPT_IN: "1", "DO_NOT_TRACK": value})
    assert not consent({"DO_NOT_TRACK": value})


@pytest.mark.parametrize("value", ["true", "TRUE", " True "])
def test_sdk_disabled(value: str) -> None:
    """A disabled SDK is off, and the reason names it first."""
    decision = consent({OPT_IN: "1", "DO_NOT_TRACK": "1", "OTEL_SDK_DISABLED": value})
    assert (bool(decision), decision.variable) == (False, "OTEL_SDK_DISABLED")


@pytest.mark.parametrize("value", ["", "false", "1", "yes"])
def test_sdk_not_disabled(value: str) -> None:
    """According to the specification, only true disables the SDK."""
    assert consent({OPT_IN: "1", "OTEL_SDK_DISABLED": value})


def test_reads_the_process_at_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Consent that is given or withdrawn while the process runs counts from the next call on."""
    assert not consent()
    monkeypatch.setenv(OPT_IN, "1")
    assert consent()
    monkeypatch.delenv(OPT_IN)
    assert not consent()


@pytest.mark.parametrize("value", [None, "", "0", "1", "true"])
def test_is_opt_in_set(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    """The check whether the variable is set is true for any value, which is not yet consent."""
    if value is not None:
        monkeypatch.setenv(OPT_IN, value)
    assert is_opt_in_set() == (value is not None)
    assert is_opt_in_set() or not consent()


def test_reason_repeats_no_value() -> None:
    """No reason repeats the value of a variable."""
    planted = "canary"
    for name in (OPT_IN, "DO_NOT_TRACK"):
        assert planted not in consent({name: planted}).reason
