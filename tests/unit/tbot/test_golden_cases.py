"""Complete cases: from configuration, arguments and environment to the event or the error. See `golden/`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from otel_tbot.errors import TbotConfigError
from otel_tbot.event import StartEvent
from tests.unit.tbot.read_helpers import in_base64

FOLDER = Path(__file__).parent / "golden"
CASES = [
    pytest.param(case, id=f"{path.stem}: {case['case']}")
    for path in sorted(FOLDER.glob("*.yaml"))
    for case in yaml.safe_load(path.read_text())
]


@pytest.mark.parametrize("case", CASES)
def test_case(case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line of a case gives the event or the error of the case."""
    monkeypatch.chdir(tmp_path)
    assert case.keys() <= {"case", "tbot.yaml", "files", "base64", "environment", "run", "event", "error"}
    for name, content in {**case.get("files", {}), "tbot.yaml": case.get("tbot.yaml")}.items():
        if content is not None:
            Path(name).parent.mkdir(exist_ok=True)
            Path(name).write_text(content)
    environ, line = dict(case.get("environment", {})), case["run"]
    if "base64" in case:
        encoded = in_base64(case["base64"])
        if "$BASE64" in line:
            line = line.replace("$BASE64", encoded)
        else:
            environ["TBOT_CONFIG"] = encoded

    if "error" in case:
        with pytest.raises(TbotConfigError) as raised:
            StartEvent.from_command(shlex.split(line), environ=environ)
        assert str(raised.value) == case["error"]
    else:
        event = StartEvent.from_command(shlex.split(line), environ=environ)
        # The cases leave out counters of 0.
        assert {name[5:]: value for name, value in event.attributes.items() if value != 0} == case["event"]


def test_number_of_cases() -> None:
    """There are more than sixty cases."""
    assert len(CASES) > 60
