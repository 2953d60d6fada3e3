"""The launcher validates `--tbot-version` like the schema does."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from otel_tbot import StartEvent
from otel_tbot.launcher.version_format import is_version

VERSIONS = ["1", "0", "18.2.3", "v18.2.3-rc.1", "12345", "18.latest", "18-custom", "1.2x", "18 ", "1é"]
OTHERS = ["", "v", "latest", "18x", "018", "00", "123456", "vv1", "-1", ".1", " 1", "V1", "१", "1a.2"]


@pytest.mark.parametrize("text", [*VERSIONS, *OTHERS])
def test_examples(text: str) -> None:
    """A version begins with a separate number of at most five digits."""
    assert is_version(text) == (text in VERSIONS)


@given(st.text() | st.text("v0123x.-é"))
@example("1\n")
def test_as_the_schema(text: str) -> None:
    """A version is valid here exactly if the event has one for it."""
    assert is_version(text) == (StartEvent(run_mode="daemon", version=text).version is not None)
