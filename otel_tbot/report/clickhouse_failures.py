"""What went wrong between a report and ClickHouse, in one line: what, where, and what to do.

No message repeats what the server or the driver wrote: it holds the query, and may hold the user's name.
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
_OTHER_LAYOUT = f"has a table tbot_starts of another layout: make it again as {SCHEMA} prints it"

# By the numbers of ClickHouse's errors, `ErrorCodes.cpp` in its source.
_REASONS = {
    47: _OTHER_LAYOUT,  # UNKNOWN_IDENTIFIER
    60: f"has no table tbot_starts in that database: make it as {SCHEMA} prints it",  # UNKNOWN_TABLE
    81: "has no database of that name: check the address",  # UNKNOWN_DATABASE
    159: _SLOW,  # TIMEOUT_EXCEEDED
    160: _SLOW,  # TOO_SLOW
    181: _OTHER_LAYOUT,  # ILLEGAL_FINAL
    192: _REFUSED,  # UNKNOWN_USER
    193: _REFUSED,  # WRONG_PASSWORD
    194: _REFUSED,  # REQUIRED_PASSWORD
    202: "has too many queries under way: try again later",  # TOO_MANY_SIMULTANEOUS_QUERIES
    241: "has not enough memory for that many starts: choose a later --since",  # MEMORY_LIMIT_EXCEEDED
    386: _OTHER_LAYOUT,  # NO_COMMON_TYPE
    396: "would return too many rows: choose a later --since",  # TOO_MANY_ROWS_OR_BYTES
    43: _OTHER_LAYOUT,  # ILLEGAL_TYPE_OF_ARGUMENT
    452: "does not grant the user that time: choose a lower --timeout",  # SETTING_CONSTRAINT_VIOLATION
    497: "does not let the user read the table: GRANT SELECT ON tbot_starts to the user",  # ACCESS_DENIED
    516: _REFUSED,  # AUTHENTICATION_FAILED
}


def reason(error: Exception, address: Address, timeout: int) -> str:
    """Return why a query failed.

    Args:
        error: what the driver raised.
        address: of the database.
        timeout: the seconds that a query may take.
    """
    code = error.code if isinstance(error, Error) else None
    if code is None:
        return f"ClickHouse at {address.server} {_of_connection(error).format(timeout=timeout)}"
    known = _REASONS.get(code, f"cannot answer (its error {code}): see the server's log").format(timeout=timeout)
    return f"ClickHouse at {address.server} {known}"


def _of_connection(error: BaseException) -> str:
    """Return what happened to a connection, by the causes of an error."""
    causes = list(_causes(error))
    if any(isinstance(cause, SSLError) for cause in causes):
        return "offers no TLS that can be trusted: check the address, or name its authority by SSL_CERT_FILE"
    if any(isinstance(cause, ConnectTimeoutError | NewConnectionError) for cause in causes):
        return "cannot be reached: check host and port in the address"
    if any(isinstance(cause, ReadTimeoutError | TimeoutError) for cause in causes):
        return _SLOW
    if any(isinstance(cause, HTTPError | OSError) for cause in causes):
        return "ended the connection before it answered: try again"
    return (
        "gave no answer of its HTTP interface: name the port of that in the address, by default 8123, or 8443 with TLS"
    )


def _causes(error: BaseException | None) -> list[BaseException]:
    causes: list[BaseException] = []
    while error is not None and error not in causes:
        causes.append(error)
        error = (error.reason if isinstance(error, MaxRetryError) else None) or error.__cause__ or error.__context__
    return causes
