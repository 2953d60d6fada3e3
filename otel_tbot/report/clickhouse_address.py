"""The address of a database in ClickHouse: `clickhouse://USER@HOST:PORT/DATABASE`, or `clickhouses://` for TLS."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from otel_tbot.errors import SettingsError

PASSWORD = "CLICKHOUSE_PASSWORD"  # noqa: S105  the name of the variable
FORM = "clickhouse://USER@HOST:PORT/DATABASE"

_PORTS = {"clickhouse": 8123, "clickhouses": 8443}  # of ClickHouse's HTTP interface


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where starts are stored.

    Attributes:
        host: a name or an IP address.
        port: the port of the HTTP interface.
        user: the user.
        database: the database that has the table.
        tls: whether the connection is encrypted.
    """

    host: str
    port: int
    user: str
    database: str
    tls: bool

    @property
    def server(self) -> str:
        """Host and port, for messages."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def is_address(name: str) -> bool:
    """Return whether a name is an address rather than a file."""
    scheme, colon, _ = name.partition("://")
    return bool(colon) and scheme.lower() in _PORTS


def parse_address(text: str) -> Address:
    """Return the parts of an address.

    Raises:
        SettingsError: the text is not an address; the message does not repeat it, as it may contain a password.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise SettingsError(_invalid("its host or port is invalid")) from None
    if parts.password is not None:
        raise SettingsError(_invalid(f"it contains a password: set {PASSWORD} instead, and remove it from the address"))
    if parts.query or parts.fragment:
        raise SettingsError(_invalid("it has a ? or #: remove it and everything after it"))
    if not parts.hostname:
        raise SettingsError(_invalid("it has no host"))
    if not parts.path.strip("/") or "/" in parts.path.strip("/"):
        raise SettingsError(_invalid("it must name one database"))
    return Address(
        host=parts.hostname,
        port=_PORTS[parts.scheme] if port is None else port,
        user=unquote(parts.username or "default"),
        database=unquote(parts.path.strip("/")),
        tls=parts.scheme == "clickhouses",
    )


def _invalid(problem: str) -> str:
    return f"the address of ClickHouse must be {FORM}: {problem}"
