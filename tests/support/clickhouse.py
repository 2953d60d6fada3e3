"""A ClickHouse for tests: chdb with its HTTP front, with the Collector's tables and ours."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from otel_tbot.report.clickhouse_ddl import statements
from tests.support.chdb_front import PASSWORD, USER
from tests.support.collector_tables import tables

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from typing_extensions import Self

_KINDS = {"logs": "LogAttributes", "traces": "SpanAttributes"}


class ClickHouse:
    """A server in a process of its own; use it as a context manager.

    Attributes:
        port: of its HTTP interface.
    """

    def __init__(self, folder: Path) -> None:
        """Start a server of the data in a folder."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.chdb_front", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        self.port = int(self._process.stdout.readline())

    def __enter__(self) -> Self:
        """Return the server."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the server."""
        self._process.communicate()

    def address(self, database: str) -> str:
        """Return the argument for `report`."""
        return f"clickhouse://{USER}@127.0.0.1:{self.port}/{database}"

    def run(self, statement: str, database: str | None = "default", **parameters: str) -> bytes:
        """Run one statement and return its answer.

        Args:
            statement: in SQL.
            database: which the statement refers to; if None, the request names none.
            parameters: more parameters of the request, such as settings.
        """
        credentials = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        named = {} if database is None else {"database": database}
        url = f"http://127.0.0.1:{self.port}/?{urlencode({**named, **parameters})}"
        headers = {"Authorization": f"Basic {credentials}"}
        with urlopen(Request(url, data=statement.encode(), headers=headers)) as answer:
            body: bytes = answer.read()
        return body

    def rows(self, query: str, database: str = "default") -> list[Any]:
        """Return the rows that answer a query, each a list."""
        answer = self.run(f"{query} FORMAT JSONCompactEachRow", database)
        return [json.loads(row) for row in answer.splitlines()]

    def make_tables(self, database: str, layout: str = "without") -> None:
        """Create a database with the Collector's tables, in one of `LAYOUTS`."""
        self.run(f"CREATE DATABASE `{database}`")
        for statement in tables(layout):
            self.run(statement, database)

    def run_schema(self, database: str) -> None:
        """Run the statements of `otel-tbot schema --format clickhouse`."""
        for statement in statements():
            self.run(statement, database)

    def make_all(self, database: str, layout: str = "without") -> None:
        """Create a database with the Collector's tables and ours."""
        self.make_tables(database, layout)
        self.run_schema(database)

    def insert(self, database: str, lines: Iterable[bytes]) -> float:
        """Store lines of OTLP/JSON like the Collector's exporter does; return the seconds that the server took."""
        rows: dict[str, list[str]] = {signal: [] for signal in _KINDS}
        for line in lines:
            for signal, row in _stored(line):
                rows[signal].append(json.dumps(row))
        begin = time.monotonic()
        for signal, texts in rows.items():
            if texts:
                settings = "SETTINGS input_format_skip_unknown_fields = 1"
                self.run(f"INSERT INTO otel_{signal} {settings} FORMAT JSONEachRow\n" + "\n".join(texts), database)
        return time.monotonic() - begin


def _stored(line: bytes) -> Iterable[tuple[str, dict[str, Any]]]:
    """Return the rows of one line; none if it cannot be read."""
    try:
        request = json.loads(line)
    except ValueError:
        return
    for part in request.get("resourceLogs", ()):
        for scope in part["scopeLogs"]:
            for record in scope["logRecords"]:
                yield "logs", _row("logs", part, record, record["timeUnixNano"], record["eventName"])
    for part in request.get("resourceSpans", ()):
        for scope in part["scopeSpans"]:
            for record in scope["spans"]:
                yield "traces", _row("traces", part, record, record["startTimeUnixNano"], record["name"])


def _row(signal: str, part: dict[str, Any], record: dict[str, Any], nanoseconds: str, name: str) -> dict[str, Any]:
    resource = _attributes(part["resource"]["attributes"])
    # The views recognize the event by its attributes: tbot's other events have different ones.
    attributes = _attributes(record["attributes"]) if name == "tbot.start" else {"other": "1"}
    seconds, rest = divmod(int(nanoseconds), 10**9)
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return {
        "Timestamp": f"{moment:%Y-%m-%d %H:%M:%S}.{rest:09}",
        "EventName": name,
        "SpanName": name,
        "ServiceName": resource.get("service.name", ""),
        "ResourceAttributes": resource,
        _KINDS[signal]: attributes,
    }


def _attributes(attributes: Iterable[dict[str, Any]]) -> dict[str, Any]:
    values = {entry["key"]: entry["value"] for entry in attributes}
    return {key: value.get("stringValue", value.get("intValue", "")) for key, value in values.items()}
