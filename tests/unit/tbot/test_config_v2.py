"""A configuration of version 2."""

from __future__ import annotations

import pytest

from tests.unit.tbot.read_helpers import counts, refused, start


@pytest.mark.parametrize("key", ["outputs", "services"])
@pytest.mark.parametrize("value", ["", "~", "null", "[]", "{}", "none", "0", "true", "''", "!!null null", "|\n  x"])
def test_none(key: str, value: str) -> None:
    """Null, a scalar and an empty collection mean none."""
    assert counts(start(configuration=f"version: v2\n{key}: {value}\n")) == {}


@pytest.mark.parametrize("key", ["outputs", "services"])
def test_mapping(key: str) -> None:
    """A mapping that is not empty is an error."""
    message = refused(configuration=f"version: v2\n{key}:\n  type: identity\n")

    assert message.startswith(f"TBOT_CONFIG, line 3, {key}: not a list; write a list")


@pytest.mark.parametrize("key", ["outputs", "services"])
@pytest.mark.parametrize("entry", ["", "~", "identity", "1", "[]", "[type]", "''"])
def test_entry_of_another_type(key: str, entry: str) -> None:
    """An entry that is not a mapping is an error."""
    message = refused(configuration=f"version: v2\n{key}:\n- type: database\n- {entry}\n")

    assert message == f"TBOT_CONFIG, line 4, {key}: this entry is not a mapping; write its keys and values"


@pytest.mark.parametrize("key", ["outputs", "services"])
@pytest.mark.parametrize("entry", ["{}", "{name: a}", "{type: }", "{type: ''}", "{type: ~}", "{Type: database}"])
def test_entry_without_a_type(key: str, entry: str) -> None:
    """An entry without a type is an error."""
    message = refused(configuration=f"version: v2\n{key}:\n- {entry}\n")

    assert message == "TBOT_CONFIG, line 3, type: this entry has no type; give it one, such as identity"


@pytest.mark.parametrize("type_", ["[database]", "{database: }", "1", "true", "1.5", "!mine database"])
def test_type_of_another_type(type_: str) -> None:
    """A type that is not a string is an error."""
    message = refused(configuration=f"version: v2\nservices:\n- name: a\n  type: {type_}\n")

    assert message.startswith("TBOT_CONFIG, line 4, type: not a string")


def test_unknown_keys() -> None:
    """Unknown keys are accepted, at the top (newer releases) and inside an entry."""
    text = "version: v2\ncanary: 1\nservices:\n- {type: database, canary: {type: x}, services: [1]}\n"

    assert counts(start(configuration=text)) == {"database": 1}


def test_destinations() -> None:
    """The `destinations` of version 1 are an unknown key here."""
    assert counts(start(configuration="version: v2\ndestinations: {app: 1}\n")) == {}
