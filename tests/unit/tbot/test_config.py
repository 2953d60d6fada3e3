"""Configurations of either version."""

from __future__ import annotations

import re

import pytest

from otel_tbot.event import StartEvent
from tests.unit.tbot.read_helpers import counts, refused, start

ENTRIES = "outputs: [{type: database}, {type: app}]\n"
NOTHING = StartEvent(run_mode="daemon")


@pytest.mark.parametrize(
    "text", ["{}", "null", "~", "---\n", "--- # c\n...\n", "--- null\n", "%YAML 1.1\n---\n", "{ }\n"]
)
def test_empty_document(text: str) -> None:
    """An empty mapping and a null document are an empty configuration."""
    assert start(configuration=text) == NOTHING


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "   \n\n", "\ufeff", "...\n"])
def test_empty_stream(text: str) -> None:
    """An empty or comment-only stream is an error."""
    if text:
        assert refused(configuration=text).startswith("TBOT_CONFIG")


def test_empty_stream_says_what_to_do() -> None:
    """The error message says how to write an empty configuration."""
    message = refused(configuration="# nothing\n")

    assert message == "TBOT_CONFIG: no YAML document; write {} for an empty one"


@pytest.mark.parametrize("text", ["[]", "[a]", "a", "- a: b\n", "1", "true", '""', "!!str", "| \n a\n"])
def test_not_a_mapping(text: str) -> None:
    """A document that is not a mapping is an error."""
    assert refused(configuration=text).startswith("TBOT_CONFIG, line 1: the configuration is not a mapping")


@pytest.mark.parametrize(
    "rest", ["---\na: b\n", "---\n[}\n", "---\n&a : *b\n", "...\n{{{\n", "--- *x\n", "---\noneshot: 1"]
)
def test_first_document(rest: str) -> None:
    """Only the first document counts; anything may follow."""
    assert start(configuration=f"oneshot: true\n{rest}").run_mode == "one-shot"


@pytest.mark.parametrize(
    "version", ["", "version:\n", "version: ''\n", "version: ~\n", "version: v1\n", "version: 'v1'\n"]
)
def test_version_1(version: str) -> None:
    """A missing or empty version means v1."""
    assert counts(start(configuration=f"{version}destinations: [{{app: a}}]\n")) == {"application": 1}


@pytest.mark.parametrize("version", ["v2", '"v2"', "'v2'", "!!str v2", "|-\n  v2", "&a v2"])
def test_version_2(version: str) -> None:
    """`v2` in any notation means v2."""
    assert counts(start(configuration=f"version: {version}\n{ENTRIES}")) == {"database": 1, "other": 1}


@pytest.mark.parametrize(
    "version", ["2", "1", "v3", "V2", "v2.0", "'2'", "2.0", "true", "v1 v2", "[v2]", "{v2: }", "!!int 2"]
)
def test_unknown_version(version: str) -> None:
    """Anything else is an error, including the number 2."""
    assert refused(configuration=f"a: b\nversion: {version}\n").startswith("TBOT_CONFIG, line 2, version: ")


@pytest.mark.parametrize("text", [
    "oneshot: true\noneshot: true\n",
    "oneshot: true\na: b\n'oneshot': false\n",
    "oneshot: true\n? oneshot\n: false\n",
    "a: &k oneshot\noneshot: true\n*k : false\n",
])  # fmt: skip
def test_duplicate_key(text: str) -> None:
    """A duplicate key is an error in any notation."""
    assert "oneshot: duplicate key; remove one of them" in refused(configuration=text)


@pytest.mark.parametrize(("text", "line"), [
    ("a: 1\nb: 2\na: 3\n", 3),
    ("a: {b: 1, c: 2, b: 3}\n", 1),
    ("a:\n- b:\n    c: 1\n    c: 2\n", 4),
    ("version: v2\nservices:\n- type: a\n  b: 1\n  b: 2\n", 5),
    ("{? {a: 1, a: 2} : b}\n", 1),
    ("? [{a: 1, a: 2}]\n: b\n", 1),
    ("1: a\n'1': b\n", 2),
    ("x: &a {y: 1}\nz:\n  <<: *a\n  <<: *a\n", 4),
])  # fmt: skip
def test_duplicate_key_anywhere(text: str, line: int) -> None:
    """A duplicate key is an error in every mapping of the document; one that tbot does not know is not named."""
    message = refused(configuration=text)

    assert message == f"TBOT_CONFIG, line {line}: duplicate key; remove one of them"


@pytest.mark.parametrize(
    "text", ["a: 1\nA: 2\n", "x: {a: 1}\ny: {a: 2}\n", "[a]: 1\n[b]: 2\n", "a: &x {b: 1}\nc: {<<: *x, b: 2}\n"]
)
def test_no_duplicate(text: str) -> None:
    """A key in other letters, in another mapping, or merged is not a duplicate."""
    assert start(configuration=text) == NOTHING


@pytest.mark.parametrize("text", [
    "a: [1\n",
    "a: }\n",
    "a: 'b\n",
    "a: *unknown\n",
    "a: &x\nb: *y\n",
    "a: b: c\n",
    "\ta: b\n",
    "a: @b\n",
    "a: `b`\n",
    "a: !<x\n",
    "a: !x!y z\n",
    "%YAML 2.0\n---\na: b\n",
    'a: "\\q"\n',
    'a: "\\UFFFFFFFF"\n',
    "- a\nb: c\n",
    "a: |x\n",
    "? - a\n? b: c\n d\n",
])  # fmt: skip
def test_broken_yaml(text: str) -> None:
    """Invalid YAML is rejected with the line."""
    message = refused(configuration=text)

    assert message.startswith("TBOT_CONFIG, line ")
    assert re.search(r": not valid YAML( \([a-z ,':}\]-]+\))?; correct it$", message)


def test_anchors() -> None:
    """Anchors and aliases work for every kind of value."""
    text = (
        "version: &v v2\nx: {method: &m iam, yes: &y yes, entry: &e {type: &t database}}\noneshot: *y\n"
        "onboarding: &o {join_method: *m}\nservices: &s [*e, {type: *t}]\noutputs: *s\n"
    )

    assert start(configuration=text) == StartEvent(run_mode="one-shot", join_type="iam", destinations_database=4)


def test_anchor_defined_again() -> None:
    """An anchor may be defined again; an alias means the last definition before it."""
    text = "version: v2\nx: &a database\nservices:\n- type: *a\n- type: &a kubernetes\n- type: *a\n"

    assert counts(start(configuration=text)) == {"database": 1, "kubernetes": 2}


@pytest.mark.parametrize(("entry", "expected"), [
    ("{<<: *a}", "database"),
    ("{<<: *a, type: kubernetes}", "kubernetes"),
    ("{type: kubernetes, <<: *a}", "kubernetes"),
    ("{<<: [*a]}", "database"),
    ("{<<: [*a, *b]}", "database"),
    ("{<<: [*b, *a]}", "application"),
    ("{<<: [*e, *a, *b]}", "database"),
    ("{<<: *l}", "application"),
    ("{<<: *n}", "database"),
    ("{<<: [*n, *b]}", "database"),
    ("{<<: {type: database}}", "database"),
    ("{!!merge <<: *a}", "database"),
    ("{! <<: *a}", "database"),
    ("{<<: {<<: {<<: *b}}}", "application"),
])  # fmt: skip
def test_merge(entry: str, expected: str) -> None:
    """A merge key takes a mapping or a list of them; explicit keys win, then the earlier mapping of the list."""
    text = (
        "version: v2\nx: [&a {type: database}, &b {type: application}, &e {}, &n {<<: *a, name: n}, &l [*b, *a]]\n"
        f"services: [{entry}]\n"
    )

    assert counts(start(configuration=text)) == {expected: 1}


@pytest.mark.parametrize("key", ['"<<"', "'<<'", "!!str <<", "<", "<<<"])
def test_no_merge(key: str) -> None:
    """A quoted `<<` is an ordinary key."""
    text = f"version: v2\nx: &a {{type: database}}\nservices: [{{{key}: *a, type: kubernetes}}, {{{key}: *a}}]\n"

    assert refused(configuration=text).startswith("TBOT_CONFIG, line 3, type: this entry has no type")


@pytest.mark.parametrize("merged", ["a", "~", "", "[a]", "[{type: a}, b]", "[[{type: a}]]", "1"])
def test_bad_merge(merged: str) -> None:
    """Only mappings can be merged."""
    text = f"version: v2\nservices:\n- <<: {merged}\n  type: a\n"

    assert "<< can merge only a mapping or a list of mappings" in refused(configuration=text)


@pytest.mark.parametrize("text", [
    "version: v2\nservices: [&a {type: b, <<: *a}]\n",
    "version: v2\nservices: [&a {type: b, <<: [*a]}]\n",
    "version: v2\nx: &a {<<: &b {<<: *a}}\nservices: [*a]\n",
    "&a\nversion: v2\n<<: *a\n",
])  # fmt: skip
def test_merged_into_itself(text: str) -> None:
    """A mapping cannot be merged into itself."""
    assert "this mapping merges itself" in refused(configuration=text)


def test_merge_at_the_top() -> None:
    """The outermost mapping may merge too."""
    text = "version: v2\nx: &a {oneshot: yes, services: [{type: database}]}\n<<: *a\n"

    assert start(configuration=text) == StartEvent(run_mode="one-shot", destinations_database=1)


def test_containing_itself() -> None:
    """A list that contains itself is accepted where its content is not read."""
    assert start(configuration="x: &a [*a, {b: *a}]\noneshot: true\n").run_mode == "one-shot"


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize(("onboarding", "expected"), [
    ("{join_method: github}", "github"),
    ("{join_method: 'github'}", "github"),
    ("{join_method: !!str github}", "github"),
    ("{token: t, join_method: bound_keypair, ca_pins: [a]}", "bound_keypair"),
    ("{join_method: astrology}", "_OTHER"),
    ("{join_method: GitHub}", "_OTHER"),
    ("{join_method: bound-keypair}", "_OTHER"),
    ("{join_method: 'true'}", "_OTHER"),
    ("{join_method: yes}", "_OTHER"),
    ("{join_method: 2024-01-01}", "_OTHER"),
    ("{join_method: ''}", None),
    ("{join_method: }", None),
    ("{join_method: null}", None),
    ("{token: t}", None),
    ("{}", None),
    ("", None),
    ("~", None),
])  # fmt: skip
def test_join_method(version: str, onboarding: str, expected: str | None) -> None:
    """The join method is `onboarding.join_method`; unset it is left out, and an unknown one is not named."""
    assert start(configuration=f"version: {version}\nonboarding: {onboarding}\n").join_type == expected


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize(("onboarding", "complaint"), [
    ("github", "onboarding: not a mapping; write keys and values"),
    ("[]", "onboarding: not a mapping"),
    ("''", "onboarding: not a mapping"),
    ("true", "onboarding: not a mapping"),
    ("{join_method: [github]}", "join_method: not a string"),
    ("{join_method: {github: }}", "join_method: not a string"),
    ("{join_method: true}", "join_method: not a string"),
    ("{join_method: 1}", "join_method: not a string"),
    ("{join_method: 0o17}", "join_method: not a string"),
    ("{join_method: 1_000.5e3}", "join_method: not a string"),
    ("{join_method: -.inf}", "join_method: not a string"),
    ("{join_method: !mine github}", "join_method: not a string"),
])  # fmt: skip
def test_bad_onboarding(version: str, onboarding: str, complaint: str) -> None:
    """Any other type is rejected."""
    message = refused(configuration=f"version: {version}\nonboarding: {onboarding}\n")

    assert message.startswith(f"TBOT_CONFIG, line 2, {complaint}")


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("key", [
    "debug", "auth_server", "proxy_server", "credential_ttl", "certificate_ttl", "renewal_interval", "fips",
    "diag_addr", "insecure", "storage", "canary", "oneShot", "ONESHOT", "1", "~", "[a]", "{a: b}", "2024-01-01",
])  # fmt: skip
@pytest.mark.parametrize("value", ["x", "1", "[a]", "{a: {b: c}}", "", "!mine x"])
def test_other_keys(version: str, key: str, value: str) -> None:
    """Keys that the event does not need, known to tbot or not, may have any value."""
    assert start(configuration=f"version: {version}\n? {key}\n: {value}\n") == NOTHING
