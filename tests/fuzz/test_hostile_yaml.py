"""Configurations designed to cost time or memory: each is read or rejected in bounded time, without another error."""

from __future__ import annotations

import inspect
import sys
import time

import pytest
import yaml

from otel_tbot.regular_file import SIZE_LIMIT
from otel_tbot.tbot.yaml_reader import loader
from tests.unit.tbot.read_helpers import refused, start

# Seconds; each takes less than two on an idle machine. With quadratic time, it would take far longer.
BOUND = 20
# Most texts are a quarter of the maximum, to keep the suite fast.
SIZE = SIZE_LIMIT // 4


def filled(pattern: str, *, size: int = SIZE) -> str:
    """Return as many repetitions of a pattern as the size allows, with some room for surrounding text."""
    return pattern * ((size - 500) // len(pattern))


LEVELS = {
    "flow sequences": "[",
    "flow mappings": "{a: ",
    "flow keys": "{? ",
    "flow pairs": "[a: ",
    "block sequences": "- ",
    "block keys": "? ",
    "block keys and sequences": "? - ",
    "sequences over lines": "[\n",
    "anchored": "&a [",
    "tagged": "!a [",
}


@pytest.mark.parametrize("count", [1_000, 10_000, None], ids=["thousand", "ten thousand", "all"])
@pytest.mark.parametrize("opener", LEVELS.values(), ids=LEVELS.keys())
def test_levels(opener: str, count: int | None) -> None:
    """Levels of any kind beyond the limit are rejected before they cost time or memory."""
    began = time.monotonic()

    message = refused(configuration=filled(opener, size=SIZE_LIMIT) if count is None else opener * count)

    assert message.endswith("there are more than 100 levels; flatten them")
    assert time.monotonic() - began < BOUND


@pytest.mark.parametrize("closed", ["[" * 10_000 + "]" * 10_000, "{a: " * 10_000 + "}" * 10_000])
def test_closed_levels(closed: str) -> None:
    """Levels beyond the limit are rejected even if they are closed."""
    assert "more than 100 levels" in refused(configuration=f"x: {closed}\n")


def test_indented_levels() -> None:
    """Indentation adds levels, too."""
    text = "".join(" " * level + "a:\n" for level in range(1_400))

    assert refused(configuration=text) == "TBOT_CONFIG, line 100: there are more than 100 levels; flatten them"


def test_deepest() -> None:
    """A hundred levels are read, including the outermost mapping and the innermost scalar."""
    assert start(configuration="x: " + "[" * 98 + "a" + "]" * 98) == start()
    assert "more than 100 levels" in refused(configuration="x: " + "[" * 99 + "a" + "]" * 99)


@pytest.mark.parametrize("quoted", ["'{}'", '"{}"', "# {}", "|\n {}"])
def test_openers_in_text(quoted: str) -> None:
    """Brackets in a string are not levels."""
    assert start(configuration=f"x: {quoted.format('[' * 10_000)}\n") == start()


BOMB = "a0: &a0 [x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 60)
)
MERGE_BOMB = "a0: &a0 {type: database}\n" + "".join(
    f"a{level}: &a{level} {{<<: [{', '.join([f'*a{level - 1}'] * 9)}]}}\n" for level in range(1, 60)
)
ALL_KEYS = "{app: , configs: , database: , join_method: , kubernetes_cluster: , name: , ssh_host_cert: , type: a}"
READ = {
    "alias bomb": BOMB,
    "alias bomb of keys": BOMB.replace("a59:", "*a58 :"),
    "alias bomb in the services": BOMB + "version: v2\nservices: [{type: a, x: *a59}]\n",
    "merge bomb": MERGE_BOMB + "version: v2\nservices: [*a59, {<<: *a59}]\n",
    "merge chain": "a0: &a0 {type: database}\n"
    + "".join(f"a{link}: &a{link} {{<<: *a{link - 1}}}\n" for link in range(1, 20_000))
    + "version: v2\nservices: [*a19999]\n",
    "merges of many keys": f"version: v2\nx: &a {ALL_KEYS}\nservices:\n" + filled("- {<<: *a, app: }\n"),
    "merge of many": "version: v2\nx: &a {type: a}\nservices: [{<<: [" + filled("*a,") + "]}]\n",
    "many merges of many": "version: v2\nx: &a [{type: a},"
    + filled("{app: },", size=SIZE // 2)
    + "]\nservices:\n"
    + filled("- <<: *a\n", size=SIZE // 2),
    "as many entries as possible": "services: [" + filled("a,", size=SIZE_LIMIT) + "]",
    "as many services as possible": "version: v2\nservices:\n" + filled("- type: a\n", size=SIZE_LIMIT),
    "list of empty lists": "x: [" + filled("[],") + "]",
    "list of pairs": "x: [" + filled("a: b,") + "]",
    "mapping": "".join(f"k{number}:\n" for number in range(30_000)),
    "short services": "version: v2\nservices: [" + filled("{type: a},") + "]\n",
    "destinations": "destinations: [" + filled("{},") + "]\n",
    "anchors": "x: [" + ",".join(f"&a{number} a" for number in range(25_000)) + "]",
    "one anchor redefined": "x: [" + filled("&a a,") + "]",
    "aliases": "x: [&a a," + filled("*a,") + "]",
    "comments": "{}\n" + filled("#\n"),
    "spaces": "{}" + filled(" "),
    "long text": "x: " + filled("a"),
    "long type": "version: v2\nservices: [{type: " + filled("a") + "}]\n",
    "long join method": "onboarding: {join_method: " + filled("a") + "}\n",
    "long anchor": "x: &" + filled("a") + " b\n",
    "long tag": "x: !" + filled("a") + " b\n",
    "block text": "x: |\n" + filled(" a\n"),
    "documents": "{}\n" + filled("---\n"),
    "broken after the first": "{}\n---\n" + filled("["),
}


@pytest.mark.parametrize("text", READ.values(), ids=READ.keys())
def test_read(text: str) -> None:
    """A large amount of any valid content is read in time."""
    assert len(text) <= SIZE_LIMIT
    began = time.monotonic()

    start(configuration=text)

    assert time.monotonic() - began < BOUND


REFUSED = {
    "integer": "oneshot: " + filled("9"),
    "integer for a text": "onboarding: {join_method: " + filled("9") + "}",
    "float": "oneshot: " + filled("9_") + ".",
    "exponent": "version: 1e" + filled("9"),
    "hexadecimal": "oneshot: 0x" + filled("f_"),
    "nearly a number": "oneshot: " + filled("9_") + "x",
    "digits and dots": "oneshot: " + filled("1."),
    "unclosed quotes": 'x: "' + filled("a"),
    "unclosed list": "x: [" + filled("a,"),
    "unknown alias": "x: [" + filled("a,") + "*b]",
    "last key twice": "".join(f"k{number}:\n" for number in range(30_000)) + "k29999:\n",
    "tag directives": "".join(f"%TAG !{number:05}! x\n" for number in range(65_000)) + "---\na: b\n",
    "tabs": filled("\t"),
    "join URI of many @": "version: v2\njoin_uri: tbot+proxy+token://" + filled("a@"),
    "join URI without an end": "version: v2\njoin_uri: tbot+proxy+token://" + filled("a"),
    "join URI of escapes": "version: v2\njoin_uri: tbot+proxy+token://" + filled("%41") + "%",
    "join URI of a scheme": "version: v2\njoin_uri: tbot+proxy+" + filled("a"),
    "only comments": filled("#\n"),
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_refused(text: str) -> None:
    """Invalid content is rejected in time, and numbers are never converted."""
    assert len(text) <= SIZE_LIMIT
    began = time.monotonic()

    refused(configuration=text)

    assert time.monotonic() - began < BOUND


@pytest.fixture
def without_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use PyYAML's own parser, as if it had been built without libyaml."""

    class Loader(loader._Hooks, loader._Rebinding, yaml.SafeLoader):
        pass

    monkeypatch.setattr(loader, "_Loader", Loader)
    monkeypatch.setattr(loader, "_RebindingLoader", Loader)


@pytest.mark.usefixtures("without_libyaml")
@pytest.mark.parametrize("opener", LEVELS.values(), ids=LEVELS.keys())
def test_levels_without_libyaml(opener: str) -> None:
    """Without libyaml, too many levels are rejected as well."""
    assert refused(configuration=opener * 10_000).endswith("there are more than 100 levels; flatten them")


@pytest.mark.usefixtures("without_libyaml")
@pytest.mark.parametrize(
    "text",
    [
        "%YAML 99999999999999999999999.1\n---\n",
        'x: "\\UFFFFFFFF"\n',
        'x: "\\U00110000"\n',
        "x: *a\n",
        "x: [\n",
        "%YAML 2.0\n---\n",
    ],
)
def test_broken_without_libyaml(text: str) -> None:
    """Without libyaml, invalid YAML is rejected as well."""
    assert "not valid YAML" in refused(configuration=text)


@pytest.mark.usefixtures("without_libyaml")
@pytest.mark.parametrize(
    "text",
    ["oneshot: yes\n---\n[}", BOMB + "oneshot: on", "x: &a {oneshot: y}\n<<: *a", "x: &a y\nz: &a y\noneshot: *a"],
)
def test_read_without_libyaml(text: str) -> None:
    """Without libyaml, valid YAML is read as well."""
    assert start(configuration=text).run_mode == "one-shot"


def test_deep_stack() -> None:
    """If little of Python's stack is left, the error is still our own."""
    text = "x: &a 1\ny: &a " + "[" * 90 + "]" * 90  # an anchor defined again is read by a recursive function

    def descend(levels: int) -> str:
        return descend(levels - 1) if levels else refused(configuration=text)

    assert start(configuration=text) == start()
    left = 150  # frames: enough for everything but that function
    message = descend(sys.getrecursionlimit() - len(inspect.stack(0)) - left)
    assert message == "TBOT_CONFIG: there are more than 100 levels; flatten them"
