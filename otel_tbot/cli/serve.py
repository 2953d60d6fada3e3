"""`otel-tbot serve`: receives the events of unmodified tbots, and exports them as OTLP."""

from __future__ import annotations

import math
import os
import ssl
import sys
from typing import TYPE_CHECKING

from otel_tbot.cli.console import BAD_INPUT, FAILED, OK, write_line
from otel_tbot.errors import SettingsError
from otel_tbot.isolated_python import isolate_environment
from otel_tbot.opt_in import consent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

_MIN_PYTHON = (3, 11)  # of the Connect library


def main(  # noqa: PLR0913  the options of the command
    *,
    listen: Sequence[str],
    signal: str | None,
    tls_certificate: str | None,
    tls_key: str | None,
    max_connections: int,
    max_connections_per_address: int | None,
    queue_size: int | None,
    peer_rate: float,
    drain_timeout: int,
) -> int:
    """Serve until SIGTERM or SIGINT, and return the exit status.

    Args:
        listen: addresses, each `HOST:PORT`, `[IPV6]:PORT` or `unix:PATH`.
        signal: `logs` or `traces`; by default `OTEL_TBOT_SIGNAL`, else `logs`.
        tls_certificate: path of the server's certificate chain, PEM.
        tls_key: path of its private key, PEM.
        max_connections: open connections.
        max_connections_per_address: open connections from one address; None for no limit.
        queue_size: events that may wait for the backend; None for the number of connections.
        peer_rate: requests per second from one address.
        drain_timeout: seconds that a stopping receiver continues to deliver.
    """
    decision = consent()
    if not decision:
        write_line(f"serve receives and sends nothing: {decision.reason}; set TELEPORT_ANONYMOUS_TELEMETRY=1 to opt in")
        return BAD_INPUT
    environ = isolate_environment()
    server = _server()
    from otel_tbot.cli.formatting import mask_endpoint  # noqa: PLC0415  with consent only
    from otel_tbot.otlp.settings import resolve_settings, resolve_signal  # noqa: PLC0415  only now, with consent
    from otel_tbot.receiver.listeners import ListenError, open_listeners  # noqa: PLC0415  with consent only
    from otel_tbot.receiver.logfmt import write_to_stderr  # noqa: PLC0415  with consent only
    from otel_tbot.receiver.metrics import metrics_requested  # noqa: PLC0415  with consent only

    if math.isnan(peer_rate):
        message = "--peer-rate must be a number"
        raise SettingsError(message)
    settings = resolve_settings(resolve_signal(environ, signal), environ)
    metrics_requested(os.environ)
    _require_pair(tls_certificate, tls_key)
    if queue_size is not None and queue_size > max_connections:
        write_line(
            f"--queue-size {queue_size} has no effect above --max-connections {max_connections}: "
            "each waiting event keeps a connection open"
        )
    limits = server.Limits(
        connections=max_connections,
        connections_per_address=max_connections_per_address,
        queue=max_connections if queue_size is None else queue_size,
        peer_rate=peer_rate,
        drain=drain_timeout,
    )
    try:
        with open_listeners(listen, os.environ) as listeners:
            write_to_stderr()
            server.run(
                listeners,
                settings,
                limits,
                destination=mask_endpoint(settings.endpoint),
                certificate=tls_certificate,
                key=tls_key,
            )
    except ListenError as error:
        write_line(str(error))
        return FAILED
    return OK


def _server() -> ModuleType:
    """Import the server, which needs the extra `serve`.

    Raises:
        SettingsError: it is not installed, or cannot be on this Python.
    """
    if not hasattr(os, "fork"):
        message = "serve needs Linux or macOS; every other command works on Windows too"
        raise SettingsError(message)
    if sys.version_info < _MIN_PYTHON:
        message = "serve needs Python 3.11 or newer, as the Connect library does; every other command works here"
        raise SettingsError(message)
    try:
        from otel_tbot.receiver import server  # noqa: PLC0415  only now, with consent
    except ModuleNotFoundError as error:
        message = f"serve needs packages that are not installed ({error.name}): pip install 'otel-tbot[serve]'"
        raise SettingsError(message) from None
    return server


def _no_password() -> str:
    """Reject an encrypted key instead of asking for its password on the terminal.

    Raises:
        SettingsError: always; a service cannot ask.
    """
    message = "--tls-key is encrypted: use a key without a password"
    raise SettingsError(message)


def _require_pair(certificate: str | None, key: str | None) -> None:
    if certificate is None and key is None:
        return
    if certificate is None or key is None:
        message = "--tls-certificate and --tls-key must be set together"
        raise SettingsError(message)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, _no_password)
    except OSError as error:
        message = (
            f"--tls-certificate and --tls-key cannot be used: {error.strerror or 'not a matching pair in PEM format'}"
        )
        raise SettingsError(message) from None
