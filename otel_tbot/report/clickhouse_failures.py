"""Why a query to ClickHouse failed, in one line: what, where, and what to do.

No message repeats the text of the server or the driver: it contains the query, and may contain the user's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clickhouse_connect.driver.exceptions import Error
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    MaxRetryError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)

from otel_tbot.report.clickhouse_address import PASSWORD

if TYPE_CHECKING:
    from otel_tbot.report.clickhouse_address import Address

SCHEMA = "otel-tbot schema --format clickhouse"

_SLOW = "did not answer within {timeout} seconds: choose a later --since, or raise --timeout"
_REFUSED = f"refused the user or the password: check the user in the address, and set {PASSWORD}"
_OTHER_LAYOUT = f"has a table tbot_starts with another layout: recreate it with what {SCHEMA} prints"

# By ClickHouse's error code, as in `ErrorCodes.cpp` of its source.
_REASONS = {
    47: _OTHER_LAYOUT,  # UNKNOWN_IDENTIFIER
    60: f"has no table tbot_starts in that database: run what {SCHEMA} prints",  # UNKNOWN_TABLE
    81: "has no database with that name: check the address",  # UNKNOWN_DATABASE
    159: _SLOW,  # TIMEOUT_EXCEEDED
    160: _SLOW,  # TOO_SLOW
    181: _OTHER_LAYOUT,  # ILLEGAL_FINAL
    192: _REFUSED,  # UNKNOWN_USER
    193: _REFUSED,  # WRONG_PASSWORD
    194: _REFUSED,  # REQUIRED_PASSWORD
    202: "is running too many queries: try again later",  # TOO_MANY_SIMULTANEOUS_QUERIES
    241: "does not have enough memory for that many starts: choose a later --since",  # MEMORY_LIMIT_EXCEEDED
    386: _OTHER_LAYOUT,  # NO_COMMON_TYPE
    396: "would return too many rows: choose a later --since",  # TOO_MANY_ROWS_OR_BYTES
    43: _OTHER_LAYOUT,  # ILLEGAL_TYPE_OF_ARGUMENT
    452: "does not allow the user that much time: choose a lower --timeout",  # SETTING_CONSTRAINT_VIOLATION
    497: "does not let the user read the table: GRANT SELECT ON tbot_starts to the user",  # ACCESS_DENIED
    516: _REFUSED,  # AUTHENTICATION_FAILED
}


def reason(error: Exception, address: Address, timeout: int) -> str:
    """Return why a query failed.

    Args:
        error: what the driver raised.
        address: the address of the database.
        timeout: the seconds that a query may take.
    """
    code = error.code if isinstance(error, Error) else None
    if code is None:
        return f"ClickHouse at {address.server} {_connection_failure(error).format(timeout=timeout)}"
    known = _REASONS.get(code, f"cannot answer (ClickHouse error {code}): see the server's log").format(timeout=timeout)
    return f"ClickHouse at {address.server} {known}"


def _connection_failure(error: BaseException) -> str:
    """Return why a connection failed, from the causes of an error."""
    causes = list(_causes(error))
    if any(isinstance(cause, SSLError) for cause in causes):
        return "does not offer TLS that can be trusted: check the address, or set SSL_CERT_FILE to its CA certificate"
    if any(isinstance(cause, ConnectTimeoutError | NewConnectionError) for cause in causes):
        return "cannot be reached: check host and port in the address"
    if any(isinstance(cause, ReadTimeoutError | TimeoutError) for cause in causes):
        return _SLOW
    if any(isinstance(cause, HTTPError | OSError) for cause in causes):
        return "closed the connection before it answered: try again"
    return "did not answer over HTTP: give the port of its HTTP interface, by default 8123, or 8443 with TLS"


def _causes(error: BaseException | None) -> list[BaseException]:
    causes: list[BaseException] = []
    while error is not None and error not in causes:
        causes.append(error)
        error = (error.reason if isinstance(error, MaxRetryError) else None) or error.__cause__ or error.__context__
    return causes
