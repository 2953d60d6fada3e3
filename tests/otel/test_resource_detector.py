"""The resource detector tells the session with consent, and nothing without."""

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
    """With consent it gets the session, and the name of the service stays the host's."""
    session = current_session()
    detected = dict(get_aggregated_resources([SessionResourceDetector()]).attributes)
    assert detected["session.id"] == detected["service.instance.id"] == session.id
    assert (detected.get("os.type"), detected.get("host.arch")) == (session.os_type, session.host_arch)
    assert detected["service.name"] != "tbot"


def test_keywords() -> None:
    """What a declarative file may give does not abort the host's set-up."""
    SessionResourceDetector(raise_on_error=True, anything=1)
