"""A backend for OTLP metrics, which the project's own OTLP receiver does not accept."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

if TYPE_CHECKING:
    from email.message import Message

    from typing_extensions import Self


class MetricsBackend:
    """Accepts metrics over HTTP, and keeps the requests.

    Attributes:
        received: the requests.
        headers: their headers.
        redirect: the URL to which it redirects its clients; by default it accepts their requests.
    """

    def __init__(self) -> None:
        """Bind a free port."""
        self.redirect = ""
        received = self.received = []  # type: list[ExportMetricsServiceRequest]
        headers: list[Message] = []
        self.headers = headers
        backend = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                headers.append(self.headers)
                length = int(self.headers["Content-Length"])
                received.append(ExportMetricsServiceRequest.FromString(self.rfile.read(length)))
                self.send_response(307 if backend.redirect else 200)
                if backend.redirect:
                    self.send_header("Location", backend.redirect)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}/v1/metrics"

    @property
    def last(self) -> ExportMetricsServiceRequest:
        """The last request."""
        return self.received[-1]

    def __enter__(self) -> Self:
        """Start."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
