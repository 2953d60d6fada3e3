"""The endpoint as it may be shown: addresses may hold credentials."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit


def masked(endpoint: str) -> str:
    """Return the endpoint with its user, password and query replaced by `***`."""
    try:
        parts = urlsplit(endpoint)
    except ValueError:
        return "***"
    host = parts.netloc.rpartition("@")
    netloc = f"***@{host[2]}" if host[1] else parts.netloc
    return urlunsplit(parts._replace(netloc=netloc, query="***" if parts.query else "", fragment=""))
