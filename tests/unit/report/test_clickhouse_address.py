"""A ClickHouse address is parsed, or rejected in a line that repeats no part of it."""

from __future__ import annotations

import pytest

from otel_tbot.errors import SettingsError
from otel_tbot.report.clickhouse_address import Address, is_address, parse_address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("clickhouse://ann@db:9123/otel", Address(host="db", port=9123, user="ann", database="otel", tls=False)),
        ("clickhouse://ann@db/otel", Address(host="db", port=8123, user="ann", database="otel", tls=False)),
        ("clickhouses://ann@db/otel/", Address(host="db", port=8443, user="ann", database="otel", tls=True)),
        ("clickhouse://db/otel", Address(host="db", port=8123, user="default", database="otel", tls=False)),
        ("CLICKHOUSE://[::1]:8124/a%20b", Address(host="::1", port=8124, user="default", database="a b", tls=False)),
        ("clickhouse://a%40b@db/otel", Address(host="db", port=8123, user="a@b", database="otel", tls=False)),
    ],
)
def test_parts(text: str, expected: Address) -> None:
    """Port and user have defaults; each part may be percent-encoded."""
    assert parse_address(text) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("clickhouse://ann:secret@db/otel", "it contains a password: set CLICKHOUSE_PASSWORD"),
        ("clickhouse://ann:@db/otel", "it contains a password"),
        ("clickhouse://ann@/otel", "it has no host"),
        ("clickhouse://secret", "it must name one database"),
        ("clickhouse://secret/", "it must name one database"),
        ("clickhouse://secret/a/b", "it must name one database"),
        ("clickhouse://secret:port/a", "its host or port is invalid"),
        ("clickhouse://secret:99999/a", "its host or port is invalid"),
        ("clickhouse://[secret/a", "its host or port is invalid"),
        ("clickhouse://secret/a?password=secret", "it has a ? or #"),
    ],
)
def test_refused(text: str, problem: str) -> None:
    """An invalid address is rejected, and a password is not repeated."""
    with pytest.raises(SettingsError, match="must be clickhouse://USER@HOST:PORT/DATABASE: ") as refused:
        parse_address(text)
    assert problem in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "name", ["-", "starts.jsonl", "clickhouse", "clickhouse:/a", "https://db/otel", "./clickhouse://a"]
)
def test_files(name: str) -> None:
    """Anything else is a file name."""
    assert not is_address(name)
