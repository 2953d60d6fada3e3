"""Properties of some thousands of starts, which are the same in every run."""

from __future__ import annotations

import time

from hypothesis import example, given, settings
from hypothesis import strategies as st

from otel_tbot.errors import TbotConfigError
from otel_tbot.event import StartEvent
from otel_tbot.tbot.known_flags import GLOBAL_FLAGS, SUBCOMMANDS
from tests.unit.tbot.read_helpers import in_base64
from tests.unit.tbot.reference_model import Configured, ReferenceStart, expected
from tests.unit.tbot.strategies import TEXT, configurations, starts, written_in_any_way

# No deadline per example, since machines differ: the tests below bound the time where it matters.
SAME_IN_EVERY_RUN = settings(deadline=None, derandomize=True, database=None)
BOUND = 10  # seconds for an input of some hundred bytes, even on a busy machine
FLAGS = sorted({f"--{name}" for row in SUBCOMMANDS for name in row.flags} | {f"--{name}" for name in GLOBAL_FLAGS})


def event_or_error(arguments: list[str], environ: dict[str, str]) -> dict[str, str | int] | str:
    """Return the event of a start without counters of 0, or the error message; nothing else may happen."""
    began = time.monotonic()
    try:
        event = StartEvent.from_command(["tbot", *arguments], environ=environ)
    except TbotConfigError as error:
        return _checked(error)
    finally:
        assert time.monotonic() - began < BOUND
    return {name[5:]: value for name, value in event.attributes.items() if value != 0}


def _checked(error: TbotConfigError) -> str:
    assert error.__context__ is None
    assert str(error).isprintable()
    return str(error)


@settings(SAME_IN_EVERY_RUN, max_examples=300)
@given(start=starts())
def test_start(start: tuple[ReferenceStart, list[str], dict[str, str], str | None]) -> None:
    """Every start that the grammar allows gives the event of the reference model."""
    started, arguments, environ, text = start
    if text is not None:
        environ = {**environ, "TBOT_CONFIG": in_base64(text)}

    found, wanted = event_or_error(arguments, environ), expected(started)

    if wanted is None:
        assert "the join URI and join_method name different methods" in found
    else:
        assert found == wanted


@settings(SAME_IN_EVERY_RUN, max_examples=300)
@given(configuration=configurations())
def test_configuration(configuration: tuple[Configured, str]) -> None:
    """Every configuration, in any notation, gives the event of the reference model."""
    configured, text = configuration

    found = event_or_error(["start"], {"TBOT_CONFIG": in_base64(text)})
    wanted = expected(ReferenceStart(configured=configured))

    if wanted is None:
        assert str(found).startswith("TBOT_CONFIG, line ")
    else:
        assert found == wanted


# Lines added before and after a configuration.
MISTAKES = [
    ("", "x: 1\nx: 2\n"),
    ("", "x: {y: [{z: 1, z: 1}]}\n"),
    ("", "x: *nowhere\n"),
    ("", "<<: 1\n"),
    ("", 'x: "\n'),
    ("", "x: \x1b\n"),
    ("", "]\n"),
    ("- x\n", ""),
    ("x: [\n", ""),
    ("x: " + "[" * 100 + "]" * 100 + "\n", ""),
]


@settings(SAME_IN_EVERY_RUN, max_examples=150)
@given(configuration=configurations(alone=True), mistake=st.sampled_from(MISTAKES))
def test_mistake(configuration: tuple[Configured, str], mistake: tuple[str, str]) -> None:
    """A configuration with a mistake is rejected, regardless of its valid part."""
    before, after = mistake
    environ = {"TBOT_CONFIG": in_base64(before + configuration[1] + after)}

    assert str(event_or_error(["start"], environ)).startswith("TBOT_CONFIG, line ")


@settings(SAME_IN_EVERY_RUN, max_examples=400)
@given(content=st.binary(max_size=300))
@example(content=b"\xff\xfe")
@example(content=b"\xfe\xff\0")
def test_any_bytes(content: bytes) -> None:
    """For any bytes as configuration, only the project's own error is raised, in bounded time."""
    event_or_error(["start"], {"TBOT_CONFIG": in_base64(content)})


@settings(SAME_IN_EVERY_RUN, max_examples=600)
@given(text=written_in_any_way())
def test_any_text(text: str) -> None:
    """The same for any text of YAML's indicators and tbot's keywords."""
    event_or_error(["start"], {"TBOT_CONFIG": in_base64(text.encode(errors="surrogatepass"))})


@settings(SAME_IN_EVERY_RUN, max_examples=200)
@given(value=st.text(max_size=40))
def test_any_base64(value: str) -> None:
    """The same for any text in place of base64."""
    event_or_error(["start"], {"TBOT_CONFIG": value})
    event_or_error(["start", f"--config-string={value}"], {})


NAMES = st.text(st.characters(min_codepoint=1, exclude_characters="/"), max_size=20)
ARGUMENT = st.one_of(
    st.text(max_size=10),
    st.sampled_from(
        ["start", "identity", "db", "--", "-", "-d", "-c", "-a", "-h", "@", "@.", "-dc", "--oneshot", "", "-cx"]
    ),
    st.sampled_from(FLAGS),
    st.builds("{}={}".format, st.sampled_from(FLAGS), TEXT),
    st.builds("--no-{}".format, st.sampled_from(FLAGS).map(lambda flag: flag[2:])),
    NAMES.map(lambda name: f"-c./{name}"),
    NAMES.map(lambda name: f"@./{name}"),
)


@settings(SAME_IN_EVERY_RUN, max_examples=500)
@given(
    before=st.lists(ARGUMENT, max_size=2),
    after=st.lists(ARGUMENT, max_size=8),
    environ=st.dictionaries(
        st.sampled_from(
            ["TBOT_CONFIG", "TBOT_CONFIG_PATH", "TELEPORT_BOT_TOKEN", "TBOT_DEBUG", "_TBOT_TELEMETRY_HELPER"]
        ),
        st.text(max_size=10),
        max_size=2,
    ),
)
@example(before=[], after=["-c", "\ud800"], environ={})
@example(before=[], after=["@\ud800"], environ={})
def test_any_arguments(before: list[str], after: list[str], environ: dict[str, str]) -> None:
    """For any arguments and variables, only the project's own error is raised, in bounded time."""
    event_or_error([*before, "start", *after], environ)


@settings(SAME_IN_EVERY_RUN, max_examples=100)
@given(configuration=configurations(), secret=st.text(st.characters(categories=["Lu", "Nd"]), min_size=12, max_size=20))
def test_no_secret(configuration: tuple[object, str], secret: str) -> None:
    """A value that is planted into a configuration and a command line is in no error message and in no event."""
    _, text = configuration
    spoiled = text.replace(" t", f" {secret}").replace("a", f"a{secret}", 3)
    found = event_or_error(["start", f"--token={secret}"], {"TBOT_CONFIG": in_base64(spoiled)})

    assert secret not in str(found)


def test_number_of_examples() -> None:
    """The properties above run more than two thousand examples."""
    functions = [
        value for name, value in globals().items() if name.startswith("test_") and hasattr(value, "hypothesis")
    ]
    counts = [function._hypothesis_internal_use_settings.max_examples for function in functions]
    assert sum(counts) > 2000
