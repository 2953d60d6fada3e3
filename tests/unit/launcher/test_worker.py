"""The worker of the sender does everything within its deadline."""

from __future__ import annotations

import time
from typing import NoReturn

import pytest

from otel_tbot.errors import SettingsError
from otel_tbot.launcher import worker
from otel_tbot.launcher.arguments import parse
from otel_tbot.tbot.version_probe import PROBE_TIMEOUT


@pytest.mark.parametrize(
    ("timeout", "left", "most"), [(10, 60, PROBE_TIMEOUT), (0.5, 60, 0.5), (10, 1, 1), (10, -1, 0)]
)
def test_time_of_the_executable(timeout: float, left: float, most: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """For its version, the executable gets at most the time that is left for the whole report."""
    given: list[float] = []

    def prepare(*_: object, version_timeout: float, **__: object) -> NoReturn:
        given.append(version_timeout)
        message = "enough"
        raise SettingsError(message)

    monkeypatch.setattr(worker, "prepare_start", prepare)
    monkeypatch.setattr(worker, "isolate_environment", dict)  # it changes the variables of this process
    outcome = worker.report(parse(["tbot", "start"]), timeout, time.monotonic() + left)
    assert outcome.reason == "enough"
    assert 0 <= given[0] <= most
