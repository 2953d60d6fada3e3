"""A configuration of version 1."""

from __future__ import annotations

import pytest

from tests.unit.tbot.read_helpers import counts, refused, start


@pytest.mark.parametrize(("entry", "expected"), [
    ("app: a", "application"),
    ("app: 5", "application"),
    ("app: 'null'", "application"),
    ("database: {service: a}", "database"),
    ("database: {}", "database"),
    ("kubernetes_cluster: a", "kubernetes"),
    ("configs: [ssh_host_cert]", "other"),
    ("configs: [identity, {ssh_host_cert: {principals: [a]}}]", "other"),
    ("configs: [identity, tls, {ssh_client: {}}]", "other"),
    ("directory: {path: /tmp}", "other"),
    ("{}", "other"),
    ("canary: 1", "other"),
    ("type: database", "other"),
    ("app: ''", "other"),
    ("app:", "other"),
    ("app: ~", "other"),
    ("database:", "other"),
    ("kubernetes_cluster: ''", "other"),
    ("configs:", "other"),
    ("configs: []", "other"),
    ("app: a\n  database:\n  kubernetes_cluster: ''\n  configs: [identity]", "application"),
    ("app: a\n  configs: [{ssh_host_cert: }]", "application"),
    ("app: ''\n  database: {}\n  configs: ~", "database"),
    ("<<: {app: a}", "application"),
    ("configs: [{<<: {ssh_host_cert: {}}}]", "other"),
])  # fmt: skip
def test_kind(entry: str, expected: str) -> None:
    """The keys of a destination determine its kind; without any of them it is other."""
    assert counts(start(configuration=f"destinations:\n- {entry}\n")) == {expected: 1}


KINDS = {
    "app": "app: a",
    "database": "database: {}",
    "kubernetes_cluster": "kubernetes_cluster: a",
    "configs": "configs: [ssh_host_cert]",
}


@pytest.mark.parametrize("first", KINDS)
@pytest.mark.parametrize("second", KINDS)
def test_two_kinds(first: str, second: str) -> None:
    """Two kinds in one destination are an error."""
    if first != second:
        message = refused(configuration=f"destinations:\n- {{{KINDS[first]}, {KINDS[second]}}}\n")

        assert ", but can have only one kind; make two destinations" in message
        assert first in message
        assert second in message


@pytest.mark.parametrize(("entry", "key"), [
    ("{app: []}", "app"),
    ("{app: {name: a}}", "app"),
    ("{database: a}", "database"),
    ("{database: []}", "database"),
    ("{database: ''}", "database"),
    ("{kubernetes_cluster: [a]}", "kubernetes_cluster"),
    ("{configs: ssh_host_cert}", "configs"),
    ("{configs: {ssh_host_cert: }}", "configs"),
    ("a", "destinations"),
    ("", "destinations"),
    ("[]", "destinations"),
])  # fmt: skip
def test_entry_of_another_type(entry: str, key: str) -> None:
    """Any other type is rejected."""
    assert refused(configuration=f"destinations:\n- {entry}\n").startswith(f"TBOT_CONFIG, line 2, {key}: ")


@pytest.mark.parametrize("value", ["a", "1", "{}", "{app: a}", "''", "true"])
def test_destinations_of_another_type(value: str) -> None:
    """`destinations` must be a list."""
    message = refused(configuration=f"destinations: {value}\n")

    assert message == "TBOT_CONFIG, line 1, destinations: not a list; write a list"


@pytest.mark.parametrize("value", ["", "~", "[]"])
def test_no_destinations(value: str) -> None:
    """Null and an empty list mean none."""
    assert counts(start(configuration=f"destinations: {value}\n")) == {}


@pytest.mark.parametrize("value", ["[{type: identity}]", "[a]", "{a: b}", "a"])
def test_outputs(value: str) -> None:
    """Outputs that are not empty are an error: a v2 file that lost its version."""
    message = refused(configuration=f"a: b\noutputs: {value}\n")

    assert message == ("TBOT_CONFIG, line 2, outputs: outputs needs version: v2; add the line version: v2")


@pytest.mark.parametrize("value", ["", "~", "[]", "{}", "''"])
def test_empty_outputs(value: str) -> None:
    """Empty outputs are ignored."""
    assert counts(start(configuration=f"outputs: {value}\ndestinations: [{{}}]\n")) == {"other": 1}


@pytest.mark.parametrize("value", ["[{type: database}]", "[1]", "a", "{a: b}"])
def test_services(value: str) -> None:
    """`services` is ignored, regardless of its value."""
    assert counts(start(configuration=f"services: {value}\n")) == {}
