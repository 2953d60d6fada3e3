"""The receiver: both servers, started and stopped together, and what a test reads from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_tbot.testing.grpc_server import GRPCServer
from otel_tbot.testing.http_server import HTTPServer
from otel_tbot.testing.inbox import Inbox

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from otel_tbot.testing.received import ReceivedLogRecord, ReceivedRequest, ReceivedSpan
    from otel_tbot.testing.reply import Reply
    from otel_tbot.testing.tls import TLS

# Far above any batch of events; a broken client that sends more gets an error instead of filling the memory.
MAX_BODY_BYTES = 16 * 1024 * 1024


class OTLPReceiver:
    """An OTLP backend in this process: gRPC and HTTP, protobuf and JSON, logs and traces, on free ports of 127.0.0.1.

    It accepts everything by default; `reply` produces any fault. Use it in a `with` statement:

    ```python
    with OTLPReceiver() as receiver:
        exporter = OTLPLogExporter(endpoint=f"{receiver.http_endpoint}/v1/logs")
        ...
        receiver.wait_for_requests(1)
        assert receiver.log_records[0].log_record.event_name == "tbot.start"
    ```

    A request that is not OTLP is rejected by the rules of the specification (400 or INVALID_ARGUMENT, 404, 405, 413,
    415), independently of `reply`. It is counted in `malformed_requests`, and is not in `requests`.
    """

    def __init__(self, *, tls: TLS | None = None, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        """Create a receiver; `start` starts it.

        Args:
            tls: the certificates for TLS on both servers; None for plain text.
            max_body_bytes: the largest body that is accepted, compressed or not; a larger one gets 413 or
                RESOURCE_EXHAUSTED.
        """
        self._tls = tls
        self._max_body_bytes = max_body_bytes
        self._inbox = Inbox()
        self._servers: tuple[HTTPServer, GRPCServer] | None = None
        self._http_endpoint: str | None = None
        self._grpc_endpoint: str | None = None

    def start(self) -> Self:
        """Start both servers. After `stop()`, start new ones on other ports.

        Returns:
            This receiver.

        Raises:
            RuntimeError: it is already started.
            OSError: no port is free, or a file of `tls` cannot be used.
        """
        if self._servers is not None:
            message = "the receiver is already started"
            raise RuntimeError(message)
        self._inbox.stopping.clear()
        context = None if self._tls is None else self._tls.http_context()
        credentials = None if self._tls is None else self._tls.grpc_credentials()
        grpc_server = GRPCServer(self._inbox, tls=credentials, max_body_bytes=self._max_body_bytes)
        try:
            http_server = HTTPServer(self._inbox, tls=context, max_body_bytes=self._max_body_bytes)
        except OSError:
            grpc_server.stop()
            raise
        scheme = "http" if self._tls is None else "https"
        self._http_endpoint = f"{scheme}://127.0.0.1:{http_server.port}"
        self._grpc_endpoint = f"{scheme}://127.0.0.1:{grpc_server.port}"
        self._servers = (http_server, grpc_server)
        for server in self._servers:
            server.start()
        return self

    def stop(self) -> None:
        """Stop both servers at once, even while clients are connected. What arrived can still be read.

        No thread, socket or port remains. Stopping twice has no effect.
        """
        servers, self._servers = self._servers, None
        self._inbox.stopping.set()
        for server in servers or ():
            server.stop()

    def __enter__(self) -> Self:
        """Start both servers."""
        return self.start()

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop both servers."""
        self.stop()

    @property
    def http_endpoint(self) -> str:
        """The base URL of OTLP/HTTP, as for `OTEL_EXPORTER_OTLP_ENDPOINT`: `/v1/logs` and `/v1/traces` are below it.

        Raises:
            RuntimeError: the receiver was never started.
        """
        return _known(self._http_endpoint)

    @property
    def grpc_endpoint(self) -> str:
        """The URL of OTLP/gRPC, as for `OTEL_EXPORTER_OTLP_ENDPOINT`.

        Raises:
            RuntimeError: the receiver was never started.
        """
        return _known(self._grpc_endpoint)

    @property
    def requests(self) -> list[ReceivedRequest]:
        """The export requests so far, in order of arrival, including those answered with an error."""
        return self._inbox.requests

    @property
    def log_records(self) -> list[ReceivedLogRecord]:
        """The log records in all requests so far, in order of arrival."""
        return [log_record for request in self.requests for log_record in request.log_records]

    @property
    def spans(self) -> list[ReceivedSpan]:
        """The spans in all requests so far, in order of arrival."""
        return [span for request in self.requests for span in request.spans]

    @property
    def connections(self) -> int:
        """The number of TCP connections accepted on the HTTP port, plus calls on the gRPC port.

        A connection to the gRPC port without a call is not counted: gRPC does not report it.
        """
        return self._inbox.connections

    @property
    def malformed_requests(self) -> int:
        """The number of requests so far that were not OTLP; they are not in `requests`."""
        return self._inbox.malformed_requests

    def wait_for_requests(self, count: int, *, timeout: float = 5) -> list[ReceivedRequest]:
        """Wait until this many requests have arrived since the start or the last `clear()`.

        Args:
            count: the number to wait for.
            timeout: seconds to wait at most.

        Returns:
            The requests so far; there may be more than `count`.

        Raises:
            TimeoutError: fewer have arrived in that time.
        """
        return self._inbox.wait(count, timeout)

    def reply(self, *replies: Reply) -> None:
        """Set the responses to the following requests.

        Args:
            replies: one for each of the following requests, in order; the last one is used for all later requests too.
                `Reply()` accepts everything.

        Raises:
            ValueError: no reply is given.
        """
        if not replies:
            message = "no reply is given: reply(Reply()) restores the default"
            raise ValueError(message)
        self._inbox.answer_with(replies)

    def clear(self) -> None:
        """Discard what arrived, and count from 0 again; the replies stay."""
        self._inbox.clear()


def _known(endpoint: str | None) -> str:
    """Return an endpoint if the receiver was started."""
    if endpoint is None:
        message = "the receiver has no endpoint yet: use it in a with statement, or call start()"
        raise RuntimeError(message)
    return endpoint
