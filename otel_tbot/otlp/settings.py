"""How and where OTLP goes: the standard `OTEL_EXPORTER_OTLP_*` variables, read once, by one rule.

Argument, then the signal's variable, then the general variable, then the specification's default; an empty variable
counts as unset. Source: OpenTelemetry specification, "OpenTelemetry Protocol Exporter". Imports no OpenTelemetry.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import unquote

from otel_tbot.errors import SettingsError
from otel_tbot.otlp.endpoint import EndpointError, grpc_target, http_url
from otel_tbot.regular_file import UnreadableFileError, read_regular_file
from otel_tbot.timeout import DEFAULT_TIMEOUT, otlp_variable, parse_timeout, parse_timeout_variable

if TYPE_CHECKING:
    from collections.abc import Mapping

Protocol = Literal["http/protobuf", "http/json", "grpc"]
Signal = Literal["logs", "traces"]
SIGNALS: tuple[Signal, ...] = ("logs", "traces")
SIGNAL_VARIABLE = "OTEL_TBOT_SIGNAL"

_PROTOCOLS: tuple[Protocol, ...] = ("http/protobuf", "http/json", "grpc")
_DEFAULT_ENDPOINTS = {
    "grpc": "http://localhost:4317",
    "http/protobuf": "http://localhost:4318",
    "http/json": "http://localhost:4318",
}
# Characters of a setting, or of all headers. No backend takes more, and execve(2) passes no longer variable on.
_MAX_SETTING_LENGTH = 128 * 1024
# A header's name and value in HTTP (RFC 9110, section 5); what gRPC takes is the same but for rarer characters.
_NAME = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_VALUE = r"[ -~]*"
_COMPRESSIONS = {
    "grpc": ("none", "gzip"),
    "http/protobuf": ("none", "gzip", "deflate"),
    "http/json": ("none", "gzip", "deflate"),
}


class OTLPSettings(NamedTuple):
    """Where one signal goes, and how.

    Attributes:
        signal: `logs` or `traces`.
        protocol: `http/protobuf`, `http/json` or `grpc`.
        endpoint: the URL to send to; for HTTP with the signal's path.
        headers: what the backend asks for, as a mapping, in the form of `OTEL_EXPORTER_OTLP_HEADERS`, or as a list of
            `name` and `value`.
        timeout: seconds within which the backend must have accepted; at most 300. A variable above 300 is read as
            milliseconds.
        compression: `none`, `gzip`, or over HTTP `deflate`.
        certificate: path of the CA certificates to trust, PEM.
        client_key: path of the private key of a client certificate, PEM.
        client_certificate: path of that certificate, PEM.
        insecure: whether gRPC goes without TLS where the endpoint names no scheme.
        note: how a variable was read, where that may be a surprise; otherwise empty.
    """

    signal: Signal
    protocol: Protocol
    endpoint: str
    headers: Mapping[str, str]
    timeout: float
    compression: str
    certificate: str | None
    client_key: str | None
    client_certificate: str | None
    insecure: bool | None
    note: str


FILES = ("certificate", "client_key", "client_certificate")  # settings that name files


def read_file(settings: OTLPSettings, name: str) -> bytes | None:
    """Return the content of the file that a setting names, or None if it names none.

    Raises:
        SettingsError: it is no regular file, too large, or cannot be read.
    """
    path = getattr(settings, name)
    try:
        return None if path is None else read_regular_file(path)
    except UnreadableFileError as error:
        message = f"the file named by {name} (OTEL_EXPORTER_OTLP_{name.upper()}) {error}"
        raise SettingsError(message) from None


KEYWORDS = frozenset(OTLPSettings._fields) - {"signal", "note"}


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
    source = _SettingsSource(
        signal, environ, {name: value for name, value in (keywords or {}).items() if value is not None}
    )
    source.refuse_unknown()
    protocol = _protocol(source)
    timeout, note = _timeout(source)
    return OTLPSettings(
        signal=signal,
        protocol=protocol,
        endpoint=_endpoint(source, protocol),
        headers=_headers(source, protocol),
        timeout=timeout,
        compression=_compression(source, protocol),
        certificate=source.text("certificate")[0],
        client_key=source.text("client_key")[0],
        client_certificate=source.text("client_certificate")[0],
        insecure=_insecure(source),
        note=note,
    )


class _SettingsSource(NamedTuple):
    """The keywords and variables of one signal, each with its name for error messages."""

    signal: Signal
    environ: Mapping[str, str]
    keywords: Mapping[str, object]

    def refuse_unknown(self) -> None:
        if not self.keywords.keys() <= KEYWORDS:
            message = f"an exporter named tbot takes only the keywords {', '.join(sorted(KEYWORDS))}"
            raise SettingsError(message)

    def value(self, keyword: str) -> tuple[object, str]:
        """Return what was given for a keyword, and the name of the keyword or variable."""
        if keyword in self.keywords:
            value, name = self.keywords[keyword], keyword
        else:
            text, name = otlp_variable(self.signal, keyword, self.environ)
            value = text or None
        if isinstance(value, str):
            _refuse_too_long(len(value), name)
        return value, name

    def text(self, keyword: str) -> tuple[str | None, str]:
        value, name = self.value(keyword)
        if value is not None and not isinstance(value, str):
            message = f"{name} must be a text"
            raise SettingsError(message)
        return value, name


def _refuse_too_long(length: int, name: str) -> None:
    if length > _MAX_SETTING_LENGTH:
        message = f"{name} must have at most {_MAX_SETTING_LENGTH} characters"
        raise SettingsError(message)


def _protocol(source: _SettingsSource) -> Protocol:
    value, name = source.text("protocol")
    for protocol in _PROTOCOLS:
        if protocol == (value or "http/protobuf"):
            return protocol
    message = f"{name} must be http/protobuf, http/json or grpc"
    raise SettingsError(message)


def _endpoint(source: _SettingsSource, protocol: str) -> str:
    value, name = source.text("endpoint")
    value = value or _DEFAULT_ENDPOINTS[protocol]
    # Only the general variable is a base to which the signal's path is added.
    signal_path = f"/v1/{source.signal}" if name == "OTEL_EXPORTER_OTLP_ENDPOINT" else ""
    try:
        return grpc_target(value) if protocol == "grpc" else http_url(value, signal_path)
    except EndpointError as error:
        message = f"{name} must {error}"
        raise SettingsError(message) from None


def _headers(source: _SettingsSource, protocol: str) -> dict[str, str]:
    value, name = source.value("headers")
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
        message = f"{name} must name no header that ends with -bin, which gRPC takes for bytes"
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


def _timeout(source: _SettingsSource) -> tuple[float, str]:
    value, name = source.value("timeout")
    if value is None:
        return DEFAULT_TIMEOUT, ""
    if "timeout" in source.keywords:
        return parse_timeout(value, name), ""
    return parse_timeout_variable(str(value), name)


def _compression(source: _SettingsSource, protocol: str) -> str:
    value, name = source.text("compression")
    allowed = _COMPRESSIONS[protocol]
    compression = (value or "none").lower()
    if compression not in allowed:
        message = f"{name} must be {' or '.join(allowed)} with the protocol {protocol}"
        raise SettingsError(message)
    return compression


def _insecure(source: _SettingsSource) -> bool | None:
    value, name = source.value("insecure")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    message = f"{name} must be true or false"
    raise SettingsError(message)
