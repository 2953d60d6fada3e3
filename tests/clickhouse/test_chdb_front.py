"""The front of the engine keeps nothing from one query to the next, so the order of the tests does not matter."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.error import HTTPError

import pytest

if TYPE_CHECKING:
    from tests.support.clickhouse import ClickHouse

_LIMIT = "SELECT value FROM system.settings WHERE name = 'max_result_rows' FORMAT CSV"
_TOO_MANY = "SELECT number FROM numbers(2000000)"


def test_result_of_a_failed_query(server: ClickHouse) -> None:
    """Rows that a query returned before it failed are not in the next result.

    The next request here names no database, like the first one of the driver.
    """
    with pytest.raises(HTTPError):
        server.run(_TOO_MANY, max_result_rows="1000000")
    assert server.run("SELECT 1 FORMAT CSV", None) == b"1\n"


def test_settings(server: ClickHouse) -> None:
    """The settings of a query apply to it alone, whether it fails or not."""
    assert server.run(_LIMIT, max_result_rows="999999") == b'"999999"\n'
    assert server.run(_LIMIT) == b'"0"\n'
    with pytest.raises(HTTPError):
        server.run(_TOO_MANY, max_result_rows="999999")
    assert server.run(_LIMIT) == b'"0"\n'


def test_database(server: ClickHouse) -> None:
    """The database of a query applies to it alone."""
    server.run("CREATE DATABASE other")
    server.run("SELECT 1", "other")
    assert server.run("SELECT currentDatabase() FORMAT CSV", None) == b'"default"\n'
