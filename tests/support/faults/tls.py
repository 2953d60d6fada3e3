"""Newly generated certificates: one that clients should trust, and several that they should not."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from datetime import datetime, timezone
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from otel_tbot.testing import TLS

if TYPE_CHECKING:
    from collections.abc import Iterator

_BEGAN = datetime(2020, 1, 1, tzinfo=timezone.utc)
_ENDED = datetime(2020, 1, 2, tzinfo=timezone.utc)
_FAR_AHEAD = datetime(3000, 1, 1, tzinfo=timezone.utc)


class Certificates(NamedTuple):
    """The authority that clients trust, as a PEM file, and the certificates of servers."""

    authority: str
    good: TLS
    unknown_authority: TLS
    self_signed: TLS
    other_name: TLS
    expired: TLS
    client_certificate_required: TLS


@contextmanager
def certificates() -> Iterator[Certificates]:
    """Generate all certificates as files, which exist as long as the context."""
    trusted, stranger = trustme.CA(), trustme.CA()
    with tempfile.TemporaryDirectory(prefix="certificates-") as name:
        folder = Path(name)
        authority = str(folder / "authority.pem")
        trusted.cert_pem.write_to_path(authority)
        good = _write(folder / "good", trusted.issue_cert("127.0.0.1"))
        yield Certificates(
            authority=authority,
            good=good,
            unknown_authority=_write(folder / "stranger", stranger.issue_cert("127.0.0.1")),
            self_signed=_self_signed(folder / "itself"),
            other_name=_write(folder / "other", trusted.issue_cert("other.example")),
            expired=_write(folder / "expired", trusted.issue_cert("127.0.0.1", not_before=_BEGAN, not_after=_ENDED)),
            client_certificate_required=TLS(
                certificate_file=good.certificate_file, private_key_file=good.private_key_file, client_ca_file=authority
            ),
        )


def _write(path: Path, issued: trustme.LeafCert) -> TLS:
    certificate, key = path.with_suffix(".crt"), path.with_suffix(".key")
    issued.cert_chain_pems[0].write_to_path(str(certificate))
    issued.private_key_pem.write_to_path(str(key))
    return TLS(certificate_file=certificate, private_key_file=key)


def _self_signed(path: Path) -> TLS:
    """Write a self-signed certificate, valid apart from that, which trustme cannot generate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    issued = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), _BEGAN, _FAR_AHEAD)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate, private = path.with_suffix(".crt"), path.with_suffix(".key")
    certificate.write_bytes(issued.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return TLS(certificate_file=certificate, private_key_file=private)
