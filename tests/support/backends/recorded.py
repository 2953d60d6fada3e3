"""An OTLP backend behind a relay: its requests can be read from the recorded bytes and from the backend."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from otel_tbot.testing import TLS, OTLPReceiver
from tests.support.backends.relay import Relay
from tests.support.backends.request_parser import SentRequest, read
from tests.support.otlp_environment import endpoint_of

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

    from otel_tbot.testing import ReceivedRequest, Reply


class RecordedBackend:
    """An OTLP backend of one protocol that is only reachable through a relay.

    Attributes:
        environ: the variables that point to it.
        relay: the relay in front of it.
    """

    def __init__(self, protocol: str, *, certificates: Path | None = None) -> None:
        """Choose protocol and TLS.

        Args:
            protocol: `http/protobuf` or `grpc`.
            certificates: a folder with `authority.pem`, `server.pem` and `server.key`, and with `client.pem` and
                `client.key` if clients need a certificate; None for plain text.
        """
        self._protocol = protocol
        self._tls = None
        self.environ = {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_TIMEOUT": "30"}
        if certificates is not None:
            authority, client = certificates / "authority.pem", certificates / "client.pem"
            self._tls = TLS(
                certificate_file=certificates / "server.pem",
                private_key_file=certificates / "server.key",
                client_ca_file=authority if client.exists() else None,
            )
            self.environ["OTEL_EXPORTER_OTLP_CERTIFICATE"] = str(authority)
            if client.exists():
                self.environ["OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"] = str(client)
                self.environ["OTEL_EXPORTER_OTLP_CLIENT_KEY"] = str(certificates / "client.key")
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Start backend and relay."""
        self._receiver = self._open.enter_context(OTLPReceiver(tls=self._tls))
        self.relay = self._open.enter_context(Relay(endpoint_of(self._receiver, self._protocol)))
        self.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = self.relay.endpoint
        return self

    def __exit__(self, *_: object) -> None:
        """Stop both."""
        self._open.close()

    def reply(self, reply: Reply) -> None:
        """Set the reply to all requests."""
        self._receiver.reply(reply)

    def received(self, count: int) -> list[ReceivedRequest]:
        """Wait for `count` requests, and return them as the backend decoded them."""
        return self._receiver.wait_for_requests(count, timeout=40)

    def requests(self) -> list[SentRequest]:
        """Return the requests that the recorded bytes consist of; any other byte is an error."""
        return [request for stream in self.relay.sent() for request in read(stream)]

    def all_bytes(self) -> bytes:
        """Return everything that was sent: the recorded bytes, and the requests that the backend decoded from them."""
        parts = self.relay.sent()
        for request in self._receiver.requests:
            headers = "\n".join(f"{name}: {value}" for name, value in request.headers.items())
            parts += [request.path.encode(), headers.encode(), request.body]
        return b"\n".join(parts)
