"""The certificates that a receiver presents and requires; both servers use the same ones."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import grpc

if TYPE_CHECKING:
    import os


@dataclass(frozen=True, kw_only=True, slots=True)
class TLS:
    """TLS for both servers of a receiver.

    Attributes:
        certificate_file: PEM file with the server's certificate and its intermediate ones. It has to be valid
            for the IP address 127.0.0.1, which is the host in the receiver's endpoints.
        private_key_file: PEM file with the private key of that certificate.
        client_ca_file: PEM file with the CA certificates to accept clients from. Without it, no client is asked for a
            certificate; with it, a client without a certificate from one of them is rejected (mutual TLS).
    """

    certificate_file: str | os.PathLike[str]
    private_key_file: str | os.PathLike[str]
    client_ca_file: str | os.PathLike[str] | None = None

    def http_context(self) -> ssl.SSLContext:
        """Read the files for the HTTP server.

        Raises:
            OSError: a file cannot be read, or has no usable PEM (`ssl.SSLError`).
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate_file, self.private_key_file)
        if self.client_ca_file is not None:
            context.load_verify_locations(self.client_ca_file)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def grpc_credentials(self) -> grpc.ServerCredentials:
        """Read the files for the gRPC server.

        Raises:
            OSError: a file cannot be read.
        """
        key = Path(self.private_key_file).read_bytes()
        certificate = Path(self.certificate_file).read_bytes()
        client_ca = None if self.client_ca_file is None else Path(self.client_ca_file).read_bytes()
        return grpc.ssl_server_credentials(
            [(key, certificate)], root_certificates=client_ca, require_client_auth=client_ca is not None
        )
