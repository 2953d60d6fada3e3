"""TLS: both servers support it, and accept the configured clients."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from typing import TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import urlsplit

import grpc
import pytest
import trustme
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GRPCLogExporter
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HTTPLogExporter

from otel_tbot.testing import TLS, OTLPReceiver
from tests.unit.testing.clients import PROMPT_SECONDS, PROTOBUF, TIMEOUT_SECONDS, address, export_log_record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from opentelemetry.sdk._logs.export import LogRecordExporter

EXPORT_SECONDS = 20  # for an export that must succeed, even on a busy machine


class MakeExporter(Protocol):
    """Creates an exporter for a receiver, with or without a client certificate."""

    def __call__(
        self, receiver: OTLPReceiver, files: Files, *, identified: bool, timeout: float = EXPORT_SECONDS
    ) -> LogRecordExporter:
        """Create the exporter."""


class Files(NamedTuple):
    """PEM files: the authority's, the server's and the client's."""

    authority: Path
    certificate: Path
    key: Path
    client_certificate: Path
    client_key: Path


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Certificates for 127.0.0.1 and for a client, from one authority."""
    folder = tmp_path_factory.mktemp("tls")
    files = Files(*(folder / f"{name}.pem" for name in Files._fields))
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(files.authority))
    server = authority.issue_cert("127.0.0.1")
    server.private_key_pem.write_to_path(str(files.key))
    server.cert_chain_pems[0].write_to_path(str(files.certificate))
    client = authority.issue_cert("client@example.org")
    client.private_key_pem.write_to_path(str(files.client_key))
    client.cert_chain_pems[0].write_to_path(str(files.client_certificate))
    return files


@pytest.fixture
def tls_receiver(files: Files) -> Iterator[OTLPReceiver]:
    """Run a receiver that uses TLS and accepts any client."""
    with OTLPReceiver(tls=TLS(certificate_file=files.certificate, private_key_file=files.key)) as running:
        yield running


@pytest.fixture
def mutual_receiver(files: Files) -> Iterator[OTLPReceiver]:
    """Run a receiver that uses TLS and accepts only clients with a certificate of the authority."""
    tls = TLS(certificate_file=files.certificate, private_key_file=files.key, client_ca_file=files.authority)
    with OTLPReceiver(tls=tls) as running:
        yield running


def _http_exporter(
    receiver: OTLPReceiver, files: Files, *, identified: bool, timeout: float = EXPORT_SECONDS
) -> LogRecordExporter:
    """Create OpenTelemetry's exporter over HTTPS, with or without a client certificate."""
    return HTTPLogExporter(
        endpoint=f"{receiver.http_endpoint}/v1/logs",
        certificate_file=str(files.authority),
        client_key_file=str(files.client_key) if identified else None,
        client_certificate_file=str(files.client_certificate) if identified else None,
        timeout=timeout,
    )


def _grpc_exporter(
    receiver: OTLPReceiver, files: Files, *, identified: bool, timeout: float = EXPORT_SECONDS
) -> LogRecordExporter:
    """Create OpenTelemetry's exporter over gRPC with TLS, with or without a client certificate."""
    credentials = grpc.ssl_channel_credentials(
        files.authority.read_bytes(),
        files.client_key.read_bytes() if identified else None,
        files.client_certificate.read_bytes() if identified else None,
    )
    return GRPCLogExporter(endpoint=receiver.grpc_endpoint, credentials=credentials, timeout=timeout)


EXPORTERS = pytest.mark.parametrize("make_exporter", [_http_exporter, _grpc_exporter])


def test_endpoints(tls_receiver: OTLPReceiver) -> None:
    """With TLS, the endpoints have the scheme https."""
    assert urlsplit(tls_receiver.http_endpoint).scheme == "https"
    assert urlsplit(tls_receiver.grpc_endpoint).scheme == "https"


@EXPORTERS
def test_tls(tls_receiver: OTLPReceiver, files: Files, make_exporter: MakeExporter) -> None:
    """A client that trusts the certificate's authority is served."""
    assert export_log_record(make_exporter(tls_receiver, files, identified=False))
    assert len(tls_receiver.log_records) == 1


@EXPORTERS
def test_mutual_tls(mutual_receiver: OTLPReceiver, files: Files, make_exporter: MakeExporter) -> None:
    """A client with a certificate of the required authority is served."""
    assert export_log_record(make_exporter(mutual_receiver, files, identified=True))
    assert len(mutual_receiver.log_records) == 1


@EXPORTERS
def test_mutual_tls_without_certificate(
    mutual_receiver: OTLPReceiver, files: Files, make_exporter: MakeExporter
) -> None:
    """A client without a certificate is rejected where one is required."""
    assert not export_log_record(make_exporter(mutual_receiver, files, identified=False, timeout=1))
    assert mutual_receiver.requests == []


def test_plain_text_to_tls(tls_receiver: OTLPReceiver) -> None:
    """A plain-text client at the TLS port gets no HTTP answer, and its connection counts."""
    connection = http.client.HTTPConnection(urlsplit(tls_receiver.http_endpoint).netloc, timeout=TIMEOUT_SECONDS)
    connection.request("POST", "/v1/logs", b"", PROTOBUF)
    with pytest.raises((http.client.HTTPException, OSError)):
        connection.getresponse()
    connection.close()

    assert (tls_receiver.requests, tls_receiver.connections) == ([], 1)


def test_stop_with_hanging_handshake(tls_receiver: OTLPReceiver, files: Files) -> None:
    """A client that never begins its handshake blocks neither other clients nor stop()."""
    with socket.create_connection(address(tls_receiver.http_endpoint)):
        assert export_log_record(_http_exporter(tls_receiver, files, identified=False))

        begin = time.monotonic()
        tls_receiver.stop()
        assert time.monotonic() - begin < PROMPT_SECONDS


def test_stop_with_idle_client(tls_receiver: OTLPReceiver, files: Files) -> None:
    """A client that keeps its TLS connection open does not block stop()."""
    context = ssl.create_default_context(cafile=files.authority)
    netloc = urlsplit(tls_receiver.http_endpoint).netloc
    connection = http.client.HTTPSConnection(netloc, context=context, timeout=TIMEOUT_SECONDS)
    connection.request("POST", "/v1/logs", b"", PROTOBUF)
    connection.getresponse().read()

    begin = time.monotonic()
    tls_receiver.stop()
    assert time.monotonic() - begin < PROMPT_SECONDS
    connection.close()
