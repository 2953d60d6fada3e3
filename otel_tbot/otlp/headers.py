"""The headers that a backend needs, from a variable, a keyword or a declarative file, in the form of HTTP and gRPC."""

from __future__ import annotations

import re
from urllib.parse import unquote

from otel_tbot.errors import SettingsError

# A header's name and value in HTTP (RFC 9110, section 5); gRPC accepts the same, except for rare characters.
_NAME = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_VALUE = r"[ -~]*"


def parse_headers(value: object, name: str, protocol: str) -> dict[str, str]:
    """Return headers by their names in lower case.

    Args:
        value: a mapping, the text of `OTEL_EXPORTER_OTLP_HEADERS`, a list of `name` and `value`, or None.
        name: the keyword or variable, for the message.
        protocol: the protocol to send them with.

    Raises:
        SettingsError: none of these, or a name or value that cannot be sent.
    """
    if isinstance(value, str):
        value = _listed_pairs(value)
    elif isinstance(value, list):
        value = _named_pairs(value)
    elif value is None:
        value = {}
    if not isinstance(value, dict) or not all(map(_is_header, value.items())):
        message = (
            f"{name} must name headers and their values, such as api-key=KEY,other=VALUE, percent-encoded in ASCII"
        )
        raise SettingsError(message)
    if protocol == "grpc" and any(key.lower().endswith("-bin") for key in value):
        message = f"{name} must not have a header that ends with -bin, which gRPC reads as bytes"
        raise SettingsError(message)
    return {key.lower(): text for key, text in value.items()}


def _listed_pairs(text: str) -> dict[str, str]:
    """Return the pairs of a variable's `name=value,name=value` (OpenTelemetry specification, `OTLP_HEADERS`)."""
    pairs = (item.partition("=") for item in text.split(",") if item.strip())
    # Without "=", the name becomes one that no header can have.
    return {unquote(name).strip() if equals else "": unquote(value).strip() for name, equals, value in pairs}


def _is_header(pair: tuple[object, object]) -> bool:
    name, value = pair
    if not isinstance(name, str) or not isinstance(value, str):
        return False
    return bool(re.fullmatch(_NAME, name) and re.fullmatch(_VALUE, value))


def _named_pairs(pairs: list[object]) -> dict[object, object] | None:
    """Return the mapping of a list of `name` and `value` (OpenTelemetry configuration, `headers`)."""
    named: dict[object, object] = {}
    for pair in pairs:
        if not isinstance(pair, dict) or pair.keys() != {"name", "value"} or not isinstance(pair["name"], str):
            return None
        # There, an empty value is null: it may be a variable that is not set.
        named[pair["name"]] = "" if pair["value"] is None else pair["value"]
    return named
