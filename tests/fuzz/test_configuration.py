"""Any configuration is read as an allowed event, or rejected by a known sentence.

The bytes are damaged cases of `tests/unit/tbot/golden`: most are nearly valid, which random bytes never are.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from otel_tbot.errors import TbotConfigError
from otel_tbot.event import StartEvent
from tests.fuzz import allowed_values
from tests.fuzz.allowed_messages import check
from tests.unit.tbot.read_helpers import in_base64

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import DrawFn

GOLDEN = Path(__file__).parents[1] / "unit" / "tbot" / "golden"
CORPUS = sorted(
    {
        case[key].encode() if isinstance(case[key], str) else case[key]
        for path in GOLDEN.glob("*.yaml")
        for case in yaml.safe_load(path.read_text())
        for key in ("tbot.yaml", "base64")
        if case.get(key)
    }
)
# Characters with a meaning in YAML, or in one of its encodings.
MARKS = [
    *(b"\0", b"\t", b"\r\n", b"\x85", b"\xc2\x85", b"\xe2\x80\xa8", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf"),
    *(b"---\n", b"...\n", b"%YAML 1.2\n---\n", b"%TAG ! x\n---\n", b"- ", b": ", b"? ", b"<<: ", b"&a ", b"*a ", b"# "),
    *(b"!!str ", b"!!binary ", b"!!python/object:os.system ", b"|\n", b">-\n", b"{", b"}", b"[", b"]", b"'", b'"'),
    *(b"version: v2\n", b"oneshot: ", b"type: database\n", b"~", b"9" * 400, b"[" * 120),
]
SECRET = "canary"


def outcome(content: bytes, **environ: str) -> str:
    """Read a start with this configuration, check the event or the error, and return either."""
    try:
        event = StartEvent.from_command(["tbot", "start"], environ={"TBOT_CONFIG": in_base64(content), **environ})
    except TbotConfigError as error:
        check(error)
        return str(error)
    allowed_values.check_event(event.attributes)
    return str(event.attributes)


@st.composite
def damaged(draw: DrawFn) -> bytes:
    """Draw a configuration of the corpus with a few changes."""
    content: bytes = draw(st.sampled_from(CORPUS))
    for _ in range(draw(st.integers(1, 4))):
        begin, end = sorted(draw(st.tuples(*[st.integers(0, len(content))] * 2)))
        kind = draw(st.sampled_from(sorted(DAMAGES)))
        content = DAMAGES[kind](content, begin, end, draw(st.sampled_from(MARKS) | st.sampled_from(CORPUS)))
    return content


DAMAGES: dict[str, Callable[[bytes, int, int, bytes], bytes]] = {
    "truncated": lambda content, begin, _end, _other: content[:begin],
    "part removed": lambda content, begin, end, _other: content[:begin] + content[end:],
    "doubled": lambda content, begin, end, _other: content[:end] + content[begin:],
    "flipped": lambda content, begin, end, other: content[:begin] + flipped(content[begin:end], other) + content[end:],
    "inserted": lambda content, begin, _end, other: content[:begin] + other + content[begin:],
    "overwritten": lambda content, begin, end, other: content[:begin] + other + content[end:],
    "spliced": lambda content, begin, end, other: content[:begin] + other[end:],
    "indented": lambda content, begin, _end, _other: content[:begin] + content[begin:].replace(b"\n", b"\n  "),
    "moved": lambda content, begin, end, _other: content[:begin] + content[end:] + content[begin:end],
}


def flipped(content: bytes, other: bytes) -> bytes:
    """Return bytes with one bit of each changed."""
    return bytes(byte ^ (1 << other[0] % 8) for byte in content)


@given(content=damaged())
def test_damaged(content: bytes) -> None:
    """A damaged configuration is read or rejected like any other."""
    outcome(content)


@given(content=damaged(), encoding=st.sampled_from(["utf-16", "utf-16-be", "utf-32", "utf-8-sig", "utf-7"]))
def test_encoded(content: bytes, encoding: str) -> None:
    """A configuration in another encoding is read or rejected like any other."""
    outcome(content.decode("latin-1").encode(encoding))


@given(content=damaged().filter(bool))  # an empty variable counts as unset
def test_same_from_file(content: bytes, file: Path) -> None:
    """A configuration is read the same from a file and from a variable, and its error names only the file."""
    file.write_bytes(content)
    try:
        found = str(StartEvent.from_command(["tbot", "start", "-c", str(file)], environ={}).attributes)
    except TbotConfigError as error:
        check(error, str(file))
        found = str(error)

    assert found == outcome(content).replace("TBOT_CONFIG", str(file), 1)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that each example overwrites."""
    return tmp_path_factory.mktemp("fuzz") / "tbot.yaml"


# Structures of any form, with known keys in some places, and a canary in every other scalar.
_NAMES = [
    *("version", "oneshot", "onboarding", "join_method", "join_uri", "outputs", "services", "destinations"),
    *("type", "app", "database", "kubernetes_cluster", "configs", "ssh_host_cert", "token", "storage"),
]
KEYS = st.sampled_from(_NAMES) | st.builds(f"{SECRET}{{}}".format, st.integers(0, 3))
CANARIES = st.text(max_size=6).map(lambda text: f"{SECRET}{text}")
LEAVES = CANARIES | st.sampled_from(["v1", "v2", True, None, 1, 0.5, "yes", "github", "database", "identity"])
TREES: st.SearchStrategy[Any] = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
ROOTS = st.fixed_dictionaries(
    {},
    optional={
        "version": st.sampled_from(["v1", "v2", ""]) | TREES,
        "oneshot": st.booleans() | TREES,
        "onboarding": st.dictionaries(st.sampled_from(["join_method", "token"]), TREES) | TREES,
        "join_uri": CANARIES.map(lambda text: f"tbot+proxy+github://{text}@{text}") | TREES,
        "outputs": st.lists(st.dictionaries(st.just("type"), TREES) | TREES, max_size=3) | TREES,
        "services": st.lists(st.dictionaries(KEYS, TREES, max_size=3), max_size=3) | TREES,
        "destinations": st.lists(st.dictionaries(KEYS, TREES, max_size=3), max_size=3) | TREES,
    },
)


@given(
    root=ROOTS | TREES,
    flow=st.sampled_from([True, False, None]),
    style=st.sampled_from([None, "'", '"', "|"]),
    helper=CANARIES.map(lambda text: f"{text} {SECRET}"),
)
def test_structure(root: object, flow: bool | None, style: str | None, helper: str) -> None:  # noqa: FBT001  PyYAML's own
    """No value and no unknown key of any structure is in the event or in the error."""
    written = yaml.safe_dump(root, default_flow_style=flow, default_style=style, allow_unicode=True, sort_keys=False)

    assert SECRET not in outcome(written.encode(errors="surrogatepass"), _TBOT_TELEMETRY_HELPER=helper)
