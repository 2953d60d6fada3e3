"""The host application's own backend, for all three signals of OTLP over HTTP: it keeps the requests for comparison."""

from __future__ import annotations

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.normalized_otlp_json import without_times

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from typing_extensions import Self

_KINDS: dict[str, type[Message]] = {
    "/v1/logs": ExportLogsServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/traces": ExportTraceServiceRequest,
}


class HostBackend:
    """An OTLP server on a free port.

    Attributes:
        endpoint: its URL.
        received: path, headers and decoded body of each request; every time in the body is 0.
    """

    def __init__(self) -> None:
        """Bind the port."""
        self.received: list[tuple[str, dict[str, str], Any]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self.received))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        """Start the server."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def take_received(self) -> list[tuple[str, dict[str, str], Any]]:
        """Return and forget the requests, ordered by path: the signals are sent concurrently."""
        received = sorted(self.received, key=lambda request: request[0])
        self.received.clear()
        return received


def _handler(received: list[tuple[str, dict[str, str], Any]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # keeps connections open

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["Content-Encoding"] == "gzip":
                body = gzip.decompress(body)
            message = _KINDS[self.path]()
            message.ParseFromString(body)
            # The length varies: a time is encoded as a number of varying length.
            headers = {
                name: value for name, value in self.headers.items() if name not in {"HostProcess", "Content-Length"}
            }
            received.append((self.path, headers, without_times(MessageToDict(message))))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    return Handler
