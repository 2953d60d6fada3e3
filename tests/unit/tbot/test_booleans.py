"""The booleans of Go's YAML, as tbot reads them."""

from __future__ import annotations

import pytest

from tests.unit.tbot.read_helpers import refused, start

TRUE = ["true", "True", "TRUE"]
FALSE = ["false", "False", "FALSE"]
OLD_TRUE = ["y", "Y", "yes", "Yes", "YES", "on", "On", "ON"]
OLD_FALSE = ["n", "N", "no", "No", "NO", "off", "Off", "OFF"]
QUOTED = ['"{}"', "'{}'", "!!str {}", "|-\n  {}"]


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("value", TRUE + OLD_TRUE)
def test_true(version: str, value: str) -> None:
    """All these spellings are true."""
    assert start(configuration=f"version: {version}\noneshot: {value}\n").run_mode == "one-shot"


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("value", FALSE + OLD_FALSE)
def test_false(version: str, value: str) -> None:
    """All these spellings are false."""
    assert start(configuration=f"version: {version}\noneshot: {value}\n").run_mode == "daemon"


@pytest.mark.parametrize("quoted", QUOTED)
@pytest.mark.parametrize("value", OLD_TRUE + OLD_FALSE)
def test_old_words_quoted(value: str, quoted: str) -> None:
    """The words of YAML 1.1 may be quoted."""
    expected = "one-shot" if value in OLD_TRUE else "daemon"

    assert start(configuration=f"oneshot: {quoted.format(value)}\n").run_mode == expected


@pytest.mark.parametrize("quoted", QUOTED)
@pytest.mark.parametrize("value", TRUE + FALSE)
def test_quoted(value: str, quoted: str) -> None:
    """A quoted true or false is a string, and so an error."""
    assert "line 1, oneshot: not a boolean" in refused(configuration=f"oneshot: {quoted.format(value)}\n")


@pytest.mark.parametrize("value", ["null", "Null", "NULL", "~", "", "!!null null"])
def test_null(value: str) -> None:
    """Null is false."""
    assert start(configuration=f"oneshot: {value}\n").run_mode == "daemon"


@pytest.mark.parametrize(("value", "expected"), [("true", "one-shot"), ('"true"', "one-shot"), ('"False"', "daemon")])
def test_explicit_tag(value: str, expected: str) -> None:
    """With an explicit tag, a quoted true is a boolean."""
    assert start(configuration=f"oneshot: !!bool {value}\n").run_mode == expected


@pytest.mark.parametrize("value", [
    "0", "1", "-1", "1.0", "0x1", ".5", "1e3", "tRUE", "yEs", "oN", "t", "f", "T", '""', '"null"', "truee", "[]",
    "{}", "[true]", "{a: b}", "!!int 1", "!!bool yes", "!mine true", "2024-01-01", "99999999999999999999999",
])  # fmt: skip
def test_anything_else(value: str) -> None:
    """Everything else is rejected, including the numbers 0 and 1."""
    assert "line 1, oneshot: not a boolean" in refused(configuration=f"oneshot: {value}\n")
