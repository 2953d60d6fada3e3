"""The starts in ClickHouse: the table that `otel-tbot schema --format clickhouse` prints, queried over HTTP."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from clickhouse_connect import common, get_client
from clickhouse_connect.driver.exceptions import ClickHouseError
from urllib3.exceptions import HTTPError

from otel_tbot.errors import NoStartsError, ReportError
from otel_tbot.report.clickhouse_address import PASSWORD, parse_address
from otel_tbot.report.clickhouse_failures import reason
from otel_tbot.report.columns import COLUMNS
from otel_tbot.report.dialect import CLICKHOUSE
from otel_tbot.report.figures import LeftOut

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clickhouse_connect.driver.client import Client

    from otel_tbot.report.clickhouse_address import Address
    from otel_tbot.report.store import Period, Rows

_CONNECT_TIMEOUT = 10  # seconds
_GRACE = 5  # seconds for the server to report its own timeout
_MOST_ROWS = 1_000_000  # in the answer to one query
_MOST_STARTS = 50_000_000  # in a Parquet file
_MOST_NAMED = 1000  # sessions listed in a query, which must stay below 256 KiB
_DELIVERED_WITHIN = timedelta(days=1)  # all deliveries of one session
_SECOND = timedelta(seconds=1)

_ALL = ", ".join(["time", *COLUMNS.values()])
# In types that DuckDB reads from a Parquet file as it reads its own.
_EXPORTED = ", ".join(["toDateTime64(time, 6) AS time", "toString(session) AS session", *list(COLUMNS.values())[1:]])
_UNKNOWN = LeftOut(unreadable_lines=0, invalid=None, repeated=None, implausible_time=None, outside_period=None)


@dataclass(frozen=True, kw_only=True)
class ClickHouseStarts:
    """The starts of a period.

    Attributes:
        client: the connection.
        address: the address of the database.
        timeout: the seconds that a query may take.
        table: the definition of `tbot_starts`, which comes first in every query.
        left_out: unknown, as the views keep only starts.
    """

    client: Client
    address: Address
    timeout: int
    table: str = ""
    left_out: LeftOut = _UNKNOWN

    def query(self, sql: str) -> Rows:
        """Return the rows that answer a query."""
        with self._as_report_error():
            rows = self.client.query(self.table + sql, settings=self._limits(_MOST_ROWS)).result_rows
        return [tuple(row) for row in rows]

    def as_parquet(self) -> bytes:
        """Return the starts as a Parquet file."""
        query = f"{self.table} SELECT {_EXPORTED} FROM tbot_starts ORDER BY time, session"
        with self._as_report_error():
            return self.client.raw_query(query, settings=self._limits(_MOST_STARTS), fmt="Parquet")

    def _limits(self, rows: int) -> dict[str, Any]:
        """Return the limits of a query; a user that may not set any has those of its profile."""
        limits = {"max_execution_time": self.timeout, "max_result_rows": rows}
        known = self.client.server_settings
        return {name: value for name, value in limits.items() if name in known and not known[name].readonly}

    @contextmanager
    def _as_report_error(self) -> Iterator[None]:
        try:
            yield
        except (ClickHouseError, HTTPError, OSError) as error:
            raise ReportError(reason(error, self.address, self.timeout)) from None


@contextmanager
def query_clickhouse(text: str, *, period: Period, timeout: int) -> Iterator[ClickHouseStarts]:
    """Connect to a database for the duration of the context.

    Args:
        text: its address.
        period: starts outside it are left out.
        timeout: the seconds that a query may take.

    Raises:
        SettingsError: the address is invalid.
        ReportError: the database cannot be queried.
        NoStartsError: it has no start in the period.
    """
    address = parse_address(text)
    client = _connect(address, timeout)
    try:
        anything = ClickHouseStarts(client=client, address=address, timeout=timeout)
        table = _with_clause(anything, period)
        starts = ClickHouseStarts(client=client, address=address, timeout=timeout, table=table)
        if starts.query("SELECT count(*) FROM tbot_starts") == [(0,)]:
            within = " in that period" if period.since or period.until else ""
            message = f"no event tbot.start was found{within}"
            raise NoStartsError(message)
        yield starts
    finally:
        client.close()


def _connect(address: Address, timeout: int) -> Client:
    for name in ("clickhouse_connect", "urllib3"):  # the error message says what they would log
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    common.set_setting("send_os_user", False)  # noqa: FBT003  the server does not need the name of the account
    try:
        return get_client(
            interface="https" if address.tls else "http",
            host=address.host,
            port=address.port,
            username=address.user,
            password=os.environ.get(PASSWORD, ""),
            database=address.database,
            connect_timeout=min(_CONNECT_TIMEOUT, timeout),
            send_receive_timeout=timeout + _GRACE,
            query_retries=0,
            client_name="otel-tbot",
            autogenerate_session_id=False,
        )
    except (ClickHouseError, HTTPError, OSError, ValueError) as error:
        raise ReportError(reason(error, address, timeout)) from None


def _with_clause(starts: ClickHouseStarts, period: Period) -> str:
    """Return the clause that defines `tbot_starts` as the starts of a period, each once.

    FINAL merges equal deliveries of a session. Of deliveries that differ, the first is kept, as in DuckDB; they are
    few, so they are looked up once and listed in each query.
    """
    stored = f"{CLICKHOUSE.identifier(starts.address.database)}.tbot_starts FINAL"
    until = [f"time < {_literal(period.until)}"] if period.until else []
    since = [f"time >= {_literal(period.since)}"] if period.since else []
    before = [f"time >= {_literal(period.since - _DELIVERED_WITHIN)}"] if period.since else []
    repeated = f"SELECT session FROM {stored} WHERE {_all(before + until)} GROUP BY session HAVING count(*) > 1"
    found = starts.query(f"{repeated} LIMIT {_MOST_NAMED + 1}")
    once = f"SELECT {_ALL} FROM {stored} WHERE {_all(since + until)}"
    if not found:
        return f"WITH tbot_starts AS ({once}) "
    named = ", ".join(f"'{session}'" for (session,) in found) if len(found) <= _MOST_NAMED else repeated
    first = (
        f"SELECT {_ALL} FROM {stored} WHERE {_all([*before, *until, f'session IN ({named})'])} "
        f"ORDER BY {_ALL} LIMIT 1 BY session"
    )
    return (
        f"WITH tbot_starts AS ({once} AND session NOT IN ({named}) "
        f"UNION ALL SELECT * FROM ({first}) WHERE {_all(since)}) "
    )


def _all(conditions: list[str]) -> str:
    return " AND ".join(conditions) or "true"


def _literal(time: datetime) -> str:
    """Return a time as a literal, rounded up, because literals of the column's type have whole seconds."""
    cut = time.replace(microsecond=0)
    return CLICKHOUSE.literal(str(cut if cut == time else cut + _SECOND))
