"""The sender's timeout, read before anything is loaded, is that of the settings."""

from __future__ import annotations

import os

import pytest

from otel_tbot.launcher.arguments import parse
from otel_tbot.launcher.start_sender import GRACE, delivery_timeout
from otel_tbot.otlp.settings import resolve_settings, resolve_signal


@pytest.mark.parametrize("options", [[], ["--timeout", "3"], ["--signal", "traces"]])
@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_EXPORTER_OTLP_TIMEOUT": "5"},
        {"OTEL_EXPORTER_OTLP_TIMEOUT": "5", "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT": " 0.5 "},
        {"OTEL_EXPORTER_OTLP_TIMEOUT": "5", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "7"},
        {"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "7", "OTEL_TBOT_SIGNAL": "traces"},
        {"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "7", "OTEL_TBOT_SIGNAL": " Traces"},
        {"OTEL_EXPORTER_OTLP_TIMEOUT": "5", "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT": " "},
    ],
    ids=str,
)
def test_same_rule(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], options: list[str]) -> None:
    """The timeout is the one that the delivery takes from the same options and variables."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    arguments = parse([*options, "tbot"])
    settings = resolve_settings(
        resolve_signal(os.environ, arguments.signal), os.environ, {"timeout": arguments.timeout}
    )
    assert delivery_timeout(arguments) == settings.timeout


@pytest.mark.parametrize("value", ["soon", "0", "-1", "nan", "inf"])
def test_unparsable_value(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """A variable that cannot be parsed counts as unset, for the sender as for the delivery."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", value)
    assert delivery_timeout(parse(["tbot"])) == resolve_settings("logs", os.environ).timeout == 10
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "7")
    assert delivery_timeout(parse(["tbot"])) == resolve_settings("logs", os.environ).timeout == 7


@pytest.mark.parametrize("number", ["31", "300", "30001", "86400000"])
def test_ceiling(number: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No timeout keeps a sender alive for more than half a minute."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", number)
    assert delivery_timeout(parse(["tbot"])) in {30, 10}  # 10 where the timeout counts as unset
    if float(number) <= 300:
        assert delivery_timeout(parse(["--timeout", number, "tbot"])) == 30


def test_grace() -> None:
    """A sender outlives its deadline by less than a second."""
    assert 0 < GRACE < 1
