"""ClickHouse's HTTP interface in front of chdb, which is ClickHouse as a library: the driver talks to a real engine.

`python -m tests.support.chdb_front FOLDER` serves the data in a folder and prints its port. chdb has one session
per process, so each server is a process of its own. The front itself checks the password of the user
`reader`, which the engine does not.
"""

from __future__ import annotations

import base64
import os
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs, urlsplit

USER, PASSWORD = "reader", "correct horse"
_ALLOWED = {f"{USER}:{PASSWORD}", "default:"}
# Parameters of the interface that are not settings of the engine.
_TRANSPORT = {"database", "query_id", "client_protocol_version", "wait_end_of_query", "query", "session_id", "role"}
_OF_HTTP = re.compile(r"(enable_http_|send_progress_|http_|cancel_http_)")
_AUTHENTICATION_FAILED = 516


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    session: Any
    lock = threading.Lock()

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        parameters = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        _, _, encoded = self.headers.get("Authorization", "").partition(" ")
        if base64.b64decode(encoded).decode() not in _ALLOWED:
            self._answer(403, b"Authentication failed: a text of the server's", code=_AUTHENTICATION_FAILED)
        else:
            self._run(parameters, text)

    def _run(self, parameters: dict[str, str], text: str) -> None:
        settings = {
            name: value for name, value in parameters.items() if name not in _TRANSPORT and not _OF_HTTP.match(name)
        }
        try:
            with self.lock:
                body = self._result(text, parameters.get("database", "default"), settings)
        except RuntimeError as error:
            code = re.search(r"Code: (\d+)", str(error))
            self._answer(500, str(error).encode(), code=int(code[1]) if code else 1)
        else:
            self._answer(200, body)

    def _result(self, text: str, database: str, settings: dict[str, str]) -> bytes:
        """Return the result of a query; it leaves nothing to the next one, as in a server."""
        # The statement after a failed query returns what that query had written, so it must not be the next query.
        self.session.query(f"USE `{database}`")
        try:
            for name, value in settings.items():
                self.session.query(f"SET {name} = {value if value.isdigit() else repr(value)}")
            result: bytes = self.session.query(text, "Native").bytes()
        finally:
            for name in settings:
                self.session.query(f"SET {name} = DEFAULT")
        return result

    def _answer(self, status: int, body: bytes, *, code: int | None = None) -> None:
        self.send_response(status)
        if code is not None:
            self.send_header("X-ClickHouse-Exception-Code", str(code))
        self.send_header("X-ClickHouse-Timezone", "UTC")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def main(folder: str) -> None:
    """Serve until stdin is closed, so that no server outlives its test."""
    _Handler.session = import_module("chdb.session").Session(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
    os._exit(0)  # the engine would wait for its background work, and the data is no longer needed


if __name__ == "__main__":
    main(sys.argv[1])
