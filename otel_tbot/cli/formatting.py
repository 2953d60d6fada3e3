"""Text for people: endpoints without credentials, and tables of names and values."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MASK = "***"
_OTLP_PATHS = ("/v1/logs", "/v1/traces")


def mask_endpoint(endpoint: str) -> str:
    """Return the endpoint with credentials, query and fragment replaced by `***`, and a path by `…`.

    A backend may take a token as a part of the path; OTLP's own paths are shown.

    Only an endpoint that parses into scheme, host, port and path is shown; any other is replaced as a whole.
    """
    if endpoint.isprintable() and endpoint.startswith(("unix:", "dns:///")):
        return endpoint  # gRPC addresses, which contain no credentials
    scheme, separator, _ = endpoint.partition("://")
    try:
        parts = urlsplit(endpoint if separator else f"//{endpoint}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return MASK
    if parts.scheme != (scheme.lower() if separator else ""):
        return MASK  # there is more than a scheme before ://
    if not host or "@" in f"{host}{parts.path}{parts.query}{parts.fragment}" or not endpoint.isprintable():
        return MASK
    return "".join(
        (
            f"{scheme}://" if separator else "",
            f"{MASK}@" if "@" in parts.netloc else "",
            f"[{host}]" if ":" in host else host,
            "" if port is None else f":{port}",
            _mask_path(parts.path),
            f"?{MASK}" if parts.query or parts.fragment else "",
        )
    )


def _mask_path(path: str) -> str:
    base = path.removesuffix(next(filter(path.endswith, _OTLP_PATHS), ""))
    return f"{'/…' if base.strip('/') else base}{path[len(base) :]}"


def format_table(title: str, values: Mapping[str, object]) -> Iterator[str]:
    """Return the lines of a table: a title, and below it the names and values in columns."""
    yield title
    width = max(map(len, values))
    yield from (f"  {name:<{width}}  {value}" for name, value in values.items())
