"""One backend behind the wire, and what arrived there, read from the bytes on the wire and by the backend."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from otel_tbot.testing import TLS, OTLPReceiver
from tests.promises.sent_requests import SentRequest, read
from tests.promises.wire import Wire

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

    from otel_tbot.testing import ReceivedRequest, Reply


class RecordedBackend:
    """A backend of one protocol that is reached over the wire alone.

    Attributes:
        environ: the variables that lead to it.
        wire: what precedes it.
    """

    def __init__(self, protocol: str, *, certificates: Path | None = None) -> None:
        """Choose what it speaks.

        Args:
            protocol: `http/protobuf` or `grpc`.
            certificates: a folder with `authority.pem`, `server.pem` and `server.key`, and with `client.pem` and
                `client.key` if clients need a certificate; without a folder, there is no TLS.
        """
        self._protocol = protocol
        self._tls = None
        self.environ = {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol}
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
        """Start it."""
        self._receiver = self._open.enter_context(OTLPReceiver(tls=self._tls))
        backend = self._receiver.grpc_endpoint if self._protocol == "grpc" else self._receiver.http_endpoint
        self.wire = self._open.enter_context(Wire(backend))
        self.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = self.wire.endpoint
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self._open.close()

    def reply(self, reply: Reply) -> None:
        """Say how all requests are answered."""
        self._receiver.reply(reply)

    def received(self, count: int) -> list[ReceivedRequest]:
        """Wait for this many requests, and return them as the backend took them."""
        return self._receiver.wait_for_requests(count, timeout=20)

    def requests(self) -> list[SentRequest]:
        """Return the requests as they stand on the wire, and nothing else stands there."""
        return [request for stream in self.wire.sent() for request in read(stream)]

    def everything(self) -> bytes:
        """Return all that was sent: every byte on the wire, and what the backend read out of them."""
        parts = self.wire.sent()
        for request in self._receiver.requests:
            headers = "\n".join(f"{name}: {value}" for name, value in request.headers.items())
            parts += [request.path.encode(), headers.encode(), request.body]
        return b"\n".join(parts)
