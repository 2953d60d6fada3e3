"""An endpoint is shown without anything that may be a credential."""

from __future__ import annotations

import pytest

from otel_tbot.cli.formatting import mask_endpoint


@pytest.mark.parametrize(
    ("endpoint", "shown"),
    [
        ("http://localhost:4318/v1/logs", "http://localhost:4318/v1/logs"),
        ("https://host/v1/traces", "https://host/v1/traces"),
        ("https://host", "https://host"),
        ("https://host/", "https://host/"),
        ("https://host/api/v2/otlp/canary", "https://host/…"),
        ("https://host/api/canary/v1/logs", "https://host/…/v1/logs"),
        ("https://host/canary/v1/logs/", "https://host/…"),
        ("localhost:4317", "localhost:4317"),
        ("http://[::1]:4318/v1/logs", "http://[::1]:4318/v1/logs"),
        ("https://user:canary@host:1/v1/logs", "https://***@host:1/v1/logs"),
        ("user:canary@host:4317", "***@host:4317"),
        ("https://host/v1/logs?key=canary", "https://host/v1/logs?***"),
        ("https://host/v1/logs#canary", "https://host/v1/logs?***"),
        ("https://u:can/ary@host", "***"),
        ("https://u:can#ary@host", "***"),
        ("http:/u:canary@host", "***"),
        ("http://host:canary/", "***"),
        ("http://host/\x1b[31mcanary", "***"),
        ("http://[canary", "***"),
        ("", "***"),
    ],
)
def test_masked(endpoint: str, shown: str) -> None:
    """Scheme, host, port and OTLP's own path are shown where they can be parsed, and nothing else."""
    assert mask_endpoint(endpoint) == shown
