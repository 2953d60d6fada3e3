"""Certificates of every kind that is not to be trusted, and one that is, made again each time."""

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
    """An authority that the client trusts, as a PEM file, and what servers show."""

    authority: str
    good: TLS
    by_a_stranger: TLS
    by_itself: TLS
    for_another_name: TLS
    expired: TLS
    asking_for_the_clients: TLS


@contextmanager
def certificates() -> Iterator[Certificates]:
    """Make all certificates, as files that live as long as the context."""
    ours, stranger = trustme.CA(), trustme.CA()
    with tempfile.TemporaryDirectory(prefix="certificates-") as name:
        folder = Path(name)
        authority = str(folder / "authority.pem")
        ours.cert_pem.write_to_path(authority)
        good = _write(folder / "good", ours.issue_cert("127.0.0.1"))
        yield Certificates(
            authority=authority,
            good=good,
            by_a_stranger=_write(folder / "stranger", stranger.issue_cert("127.0.0.1")),
            by_itself=_self_signed(folder / "itself"),
            for_another_name=_write(folder / "other", ours.issue_cert("other.example")),
            expired=_write(folder / "expired", ours.issue_cert("127.0.0.1", not_before=_BEGAN, not_after=_ENDED)),
            asking_for_the_clients=TLS(
                certificate_file=good.certificate_file, private_key_file=good.private_key_file, client_ca_file=authority
            ),
        )


def _write(path: Path, issued: trustme.LeafCert) -> TLS:
    certificate, key = path.with_suffix(".crt"), path.with_suffix(".key")
    issued.cert_chain_pems[0].write_to_path(str(certificate))
    issued.private_key_pem.write_to_path(str(key))
    return TLS(certificate_file=certificate, private_key_file=key)


def _self_signed(path: Path) -> TLS:
    """Write what a server makes for itself: good in all but that no authority has signed it, which trustme cannot."""
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
