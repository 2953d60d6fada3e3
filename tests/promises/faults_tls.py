"""Certificates of every kind that is not to be trusted, and one that is, made anew each time."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import trustme

from otel_tbot.testing import TLS

if TYPE_CHECKING:
    from collections.abc import Iterator

_BEGAN = datetime(2020, 1, 1, tzinfo=timezone.utc)
_ENDED = datetime(2020, 1, 2, tzinfo=timezone.utc)


class Certificates(NamedTuple):
    """An authority that the client trusts, as a PEM file, and what servers show."""

    authority: str
    good: TLS
    by_a_stranger: TLS
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
