"""The endpoint as it may be shown: addresses may hold credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# DOC: """Names and values as people read them: one a line, in columns."""


HIDDEN = "***"


def mask_endpoint(endpoint: str) -> str:
    """Return the endpoint with what may be a credential replaced by `***`.

    Shown is what was understood: scheme, host, port and path. What was not understood is not shown at all.
    """
    scheme, separator, _ = endpoint.partition("://")
    try:
        parts = urlsplit(endpoint if separator else f"//{endpoint}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return HIDDEN
    if parts.scheme != (scheme.lower() if separator else ""):
        return HIDDEN  # what stands before :// is more than a scheme
    if not host or "@" in f"{host}{parts.path}{parts.query}{parts.fragment}" or not endpoint.isprintable():
        return HIDDEN
    return "".join(
        (
            f"{scheme}://" if separator else "",
            f"{HIDDEN}@" if "@" in parts.netloc else "",
            f"[{host}]" if ":" in host else host,
            "" if port is None else f":{port}",
            parts.path,
            f"?{HIDDEN}" if parts.query or parts.fragment else "",
        )
    )


def format_table(title: str, values: Mapping[str, object]) -> Iterator[str]:
    """Return the lines of a title with its names and values below."""
    yield title
    width = max(map(len, values))
    yield from (f"  {name:<{width}}  {value}" for name, value in values.items())
