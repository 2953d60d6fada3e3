"""Where OTLP goes: an endpoint is parsed once, rebuilt from its parts, and rejected if a transport could not use it.

Sources: OpenTelemetry specification, "OpenTelemetry Protocol Exporter"; gRPC, "Name Resolution". The errors say what is
allowed, but never what was given.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_URL_FORM = "be a URL that starts with http:// or https:// and a host, such as https://HOST:PORT"
_TARGET_FORM = "be http://HOST:PORT, https://HOST:PORT, HOST:PORT, dns:///HOST:PORT or unix:PATH"
_HOST_NAME = r"[\w.-]+"


class EndpointError(Exception):
    """What an endpoint must be, as a continuation of "NAME must"."""


def http_url(text: str, signal_path: str = "") -> str:
    """Return the URL that a signal is posted to.

    Args:
        text: an endpoint.
        signal_path: the path to add to the general endpoint, whose query and fragment are dropped; empty for the
            endpoint of a signal, which is used unchanged.

    Raises:
        EndpointError: not an HTTP URL, or one without a usable host and port.
    """
    parts = _parse(text, _URL_FORM)
    base = f"{parts.scheme}://{parts.netloc}"
    if signal_path:
        return f"{base}{parts.path.rstrip('/')}{signal_path}"
    return f"{base}{parts.path}{f'?{parts.query}' if parts.query else ''}"


def grpc_target(text: str) -> str:
    """Return a gRPC endpoint, in the form in which it was given.

    Other gRPC forms are rejected: `dns://SERVER/HOST` is a name server for gRPC, but an address for the exporter.

    Raises:
        EndpointError: none of these forms, or one with credentials.
    """
    if re.fullmatch(r"unix:[!-~]+", text):
        return text
    scheme, separator, rest = text.partition("://")
    if separator and scheme.lower() != "dns":
        parts = _parse(text, _TARGET_FORM)
        target = f"{parts.scheme}://{parts.netloc}"
    elif separator:
        # `dns://SERVER/HOST` is rejected: its host would be empty.
        parts = _parse(f"http:/{rest}", _TARGET_FORM)
        target = f"dns:///{parts.netloc}"
    else:
        parts = _parse(f"http://{text}", _TARGET_FORM)
        target = parts.netloc
    if "@" in parts.netloc:
        message = "contain no credentials with the protocol grpc: set them as headers"
        raise EndpointError(message)
    return target


def _parse(text: str, form: str) -> SplitResult:
    error = EndpointError(form)
    # urlsplit removes line ends and tabs.
    if not text.isprintable() or " " in text:
        raise error
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise error from None
    if (
        parts.scheme not in {"http", "https"}
        or port == 0
        or parts.netloc.endswith(":")
        or not _is_host(host, parts.netloc)
    ):
        raise error
    return parts


def _is_host(text: str, netloc: str) -> bool:
    if "[" not in netloc:
        return re.fullmatch(_HOST_NAME, text) is not None
    try:
        ipaddress.IPv6Address(text)  # Python 3.10 accepts anything in brackets
    except ValueError:
        return False
    return True
