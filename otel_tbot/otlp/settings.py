"""How and where OTLP goes: the standard `OTEL_EXPORTER_OTLP_*` variables, read once, by one rule.

Argument, then the signal's variable, then the general variable, then the specification's default; an empty variable
counts as unset. Source: OpenTelemetry specification, "OpenTelemetry Protocol Exporter". Imports no OpenTelemetry.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import unquote

from otel_tbot.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

Signal = Literal["logs", "traces"]
SIGNALS: tuple[Signal, ...] = ("logs", "traces")
SIGNAL_VARIABLE = "OTEL_TBOT_SIGNAL"

DEFAULT_TIMEOUT = 10.0  # seconds; the specification's default
MAX_TIMEOUT = 24 * 60 * 60  # seconds; no time-out that is meant is longer, and the system's timers have limits
_DEFAULT_ENDPOINTS = {"grpc": "http://localhost:4317", "http/protobuf": "http://localhost:4318"}
# Characters of a setting, or of all headers. No backend takes more, and no longer variable is handed on (execve(2)).
_LONGEST_SETTING = 128 * 1024
# A header's name and value in HTTP (RFC 9110, section 5); what gRPC takes is the same but for rarer characters.
_NAME = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_VALUE = r"[ -~]*"
_URL = r"(?i:https?)://[^/?#]"  # as far as it is looked at
_COMPRESSIONS = {"grpc": ("none", "gzip"), "http/protobuf": ("none", "gzip", "deflate")}


class OTLPSettings(NamedTuple):
    """Where one signal goes, and how.

    Attributes:
        signal: `logs` or `traces`.
        protocol: `http/protobuf` or `grpc`.
        endpoint: the URL to send to; for HTTP with the signal's path.
        headers: what the backend asks for, as a mapping, in the form of `OTEL_EXPORTER_OTLP_HEADERS`, or as a list of
            `name` and `value`.
        timeout: seconds within which the backend must have accepted; at most a day.
        compression: `none`, `gzip`, or over HTTP `deflate`.
        certificate: path of the CA certificates to trust, PEM.
        client_key: path of the private key of a client certificate, PEM.
        client_certificate: path of that certificate, PEM.
        insecure: whether gRPC goes without TLS where the endpoint names no scheme.
    """

    signal: Signal
    protocol: Literal["grpc", "http/protobuf"]
    endpoint: str
    headers: Mapping[str, str]
    timeout: float
    compression: str
    certificate: str | None
    client_key: str | None
    client_certificate: str | None
    insecure: bool | None


KEYWORDS = frozenset(OTLPSettings._fields) - {"signal"}


def resolve_signal(environ: Mapping[str, str], chosen: str | None = None) -> Signal:
    """Return the signal to send as: `chosen`, else `OTEL_TBOT_SIGNAL`, else `logs`.

    Raises:
        SettingsError: neither `logs` nor `traces`.
    """
    name = chosen or environ.get(SIGNAL_VARIABLE) or "logs"
    for signal in SIGNALS:
        if name == signal:
            return signal
    message = f"{'the signal' if chosen else SIGNAL_VARIABLE} must be logs or traces"
    raise SettingsError(message)


def resolve_settings(
    signal: Signal, environ: Mapping[str, str], keywords: Mapping[str, object] | None = None
) -> OTLPSettings:
    """Return the settings of one signal.

    Args:
        signal: `logs` or `traces`.
        environ: the variables to read.
        keywords: what was given in code or in a declarative file; the names are `OTLPSettings`' own.

    Raises:
        SettingsError: a variable or keyword that cannot be used; the message names it and not its value.
    """
    given = _Given(signal, environ, {name: value for name, value in (keywords or {}).items() if value is not None})
    given.refuse_unknown()
    protocol = _protocol(given)
    return OTLPSettings(
        signal=signal,
        protocol=protocol,
        endpoint=_endpoint(given, protocol),
        headers=_headers(given),
        timeout=_timeout(given),
        compression=_compression(given, protocol),
        certificate=given.text("certificate")[0],
        client_key=given.text("client_key")[0],
        client_certificate=given.text("client_certificate")[0],
        insecure=_insecure(given),
    )


class _Given(NamedTuple):
    signal: Signal
    environ: Mapping[str, str]
    keywords: Mapping[str, object]

    def refuse_unknown(self) -> None:
        if not self.keywords.keys() <= KEYWORDS:
            message = f"an exporter named tbot takes no other keywords than {', '.join(sorted(KEYWORDS))}"
            raise SettingsError(message)

    def value(self, keyword: str) -> tuple[object, str]:
        """Return what was given for a keyword, and the name under which it was given."""
        value, name = (self.keywords[keyword], keyword) if keyword in self.keywords else self.variable(keyword)
        if isinstance(value, str):
            _refuse_too_long(len(value), name)
        return value, name

    def variable(self, keyword: str) -> tuple[str | None, str]:
        general = f"OTEL_EXPORTER_OTLP_{keyword.upper()}"
        for name in (f"OTEL_EXPORTER_OTLP_{self.signal.upper()}_{keyword.upper()}", general):
            if value := self.environ.get(name, "").strip():
                return value, name
        return None, general

    def text(self, keyword: str) -> tuple[str | None, str]:
        value, name = self.value(keyword)
        if value is not None and not isinstance(value, str):
            message = f"{name} must be a text"
            raise SettingsError(message)
        return value, name


def _refuse_too_long(length: int, name: str) -> None:
    if length > _LONGEST_SETTING:
        message = f"{name} must have at most {_LONGEST_SETTING} characters"
        raise SettingsError(message)


def _protocol(given: _Given) -> Literal["grpc", "http/protobuf"]:
    value, name = given.text("protocol")
    if value is None or value == "http/protobuf":
        return "http/protobuf"
    if value == "grpc":
        return "grpc"
    message = f"{name} must be http/protobuf or grpc"
    raise SettingsError(message)


def _endpoint(given: _Given, protocol: str) -> str:
    value, name = given.text("endpoint")
    if protocol == "grpc":
        if value is not None and "@" in value:
            message = f"{name} must hold no credentials with the protocol grpc: give them as headers"
            raise SettingsError(message)
        return value or _DEFAULT_ENDPOINTS[protocol]
    if value is not None and not re.match(_URL, value):
        message = f"{name} must be a URL that starts with http:// or https:// and a host"
        raise SettingsError(message)
    if value is not None and name != "OTEL_EXPORTER_OTLP_ENDPOINT":
        return value
    # Only the general variable is a base to which the signal's path is added.
    return f"{(value or _DEFAULT_ENDPOINTS[protocol]).rstrip('/')}/v1/{given.signal}"


def _headers(given: _Given) -> dict[str, str]:
    value, name = given.value("headers")
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
    _refuse_too_long(sum(len(key) + len(text) for key, text in value.items()), name)
    return {key.lower(): text for key, text in value.items()}


def _listed_pairs(text: str) -> dict[str, str]:
    """Return what a variable's `name=value,name=value` means (OpenTelemetry specification, `OTLP_HEADERS`)."""
    pairs = (item.partition("=") for item in text.split(",") if item.strip())
    # Without "=" the name comes out as one that no header can have.
    return {unquote(name).strip() if equals else "": unquote(value).strip() for name, equals, value in pairs}


def _is_header(pair: tuple[object, object]) -> bool:
    name, value = pair
    if not isinstance(name, str) or not isinstance(value, str):
        return False
    return bool(re.fullmatch(_NAME, name) and re.fullmatch(_VALUE, value))


def _named_pairs(pairs: list[object]) -> dict[object, object] | None:
    """Return the mapping that a list of `name` and `value` means (OpenTelemetry configuration, `headers`)."""
    named: dict[object, object] = {}
    for pair in pairs:
        if not isinstance(pair, dict) or pair.keys() != {"name", "value"} or not isinstance(pair["name"], str):
            return None
        # There an empty value is null: it may be a variable that is not set.
        named[pair["name"]] = "" if pair["value"] is None else pair["value"]
    return named


def _timeout(given: _Given) -> float:
    value, name = given.value("timeout")
    if value is None:
        return DEFAULT_TIMEOUT
    return parse_timeout(value, name)


def parse_timeout(value: object, name: str) -> float:
    """Return a time-out in seconds.

    Raises:
        SettingsError: not a number above 0, or more than a day.
    """
    try:
        number = float(value)  # type: ignore[arg-type]  # what float() does not take is what is refused here
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, bool) or not 0 < number <= MAX_TIMEOUT:
        message = f"{name} must be a number of seconds above 0, and at most {MAX_TIMEOUT}"
        raise SettingsError(message)
    return number


def _compression(given: _Given, protocol: str) -> str:
    value, name = given.text("compression")
    allowed = _COMPRESSIONS[protocol]
    compression = (value or "none").lower()
    if compression not in allowed:
        message = f"{name} must be {' or '.join(allowed)} with the protocol {protocol}"
        raise SettingsError(message)
    return compression


def _insecure(given: _Given) -> bool | None:
    value, name = given.value("insecure")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    message = f"{name} must be true or false"
    raise SettingsError(message)
