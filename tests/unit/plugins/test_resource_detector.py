"""The resource detector reports the session with consent, and nothing without it."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.resources import get_aggregated_resources

from otel_tbot import SessionResourceDetector
from otel_tbot.session import current_session


def test_off() -> None:
    """Without consent the resource gets nothing."""
    assert dict(SessionResourceDetector().detect().attributes) == {}


@pytest.mark.usefixtures("opted_in")
def test_on() -> None:
    """With consent it gets the session, and keeps the host's service name."""
    session = current_session()
    detected = dict(get_aggregated_resources([SessionResourceDetector()]).attributes)
    assert detected["session.id"] == detected["service.instance.id"] == session.id
    assert (detected.get("os.type"), detected.get("host.arch")) == (session.os_type, session.host_arch)
    assert detected["service.name"] != "tbot"


@pytest.mark.usefixtures("opted_in")
def test_keywords(caplog: pytest.LogCaptureFixture) -> None:
    """Keywords of a declarative file do not abort the host's setup, and are reported in one warning."""
    detector = SessionResourceDetector(raise_on_error=True, canary=1)
    for _ in range(2):
        assert detector.detect().attributes["session.id"] == current_session().id
    (message,) = caplog.messages
    assert "takes no keywords" in message
    assert "canary" not in message


def test_keywords_when_off(caplog: pytest.LogCaptureFixture) -> None:
    """Without consent nothing is reported either."""
    SessionResourceDetector(canary=1).detect()
    assert caplog.messages == []
