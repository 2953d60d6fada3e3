"""How and where OTLP is sent: the standard `OTEL_EXPORTER_OTLP_*` variables, read once, by one rule.

Argument, then the signal's variable, then the general variable, then the specification's default; an empty variable
counts as unset. An invalid variable for how to send is noted, and also counts as unset; an invalid one for where or to
whom is an error, because a guess could send to the wrong place. Sources: OpenTelemetry specification,
"OpenTelemetry Protocol Exporter" and "Environment Variable Specification". Does not import OpenTelemetry.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple, TypedDict, TypeVar, get_args

from otel_tbot.errors import SettingsError
from otel_tbot.otlp.endpoint import EndpointError, grpc_target, http_url
from otel_tbot.otlp.headers import parse_headers
from otel_tbot.otlp.retry_codes import retryable_codes
from otel_tbot.regular_file import UnreadableFileError, read_regular_file
from otel_tbot.timeout import DEFAULT_TIMEOUT, otlp_variables, parse_timeout, parse_timeout_variable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_Value = TypeVar("_Value")
Protocol = Literal["http/protobuf", "http/json", "grpc"]
Compression = Literal["none", "gzip", "deflate"]
Signal = Literal["logs", "traces"]
SIGNALS: tuple[Signal, ...] = get_args(Signal)
SIGNAL_VARIABLE = "OTEL_TBOT_SIGNAL"

_PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)
_DEFAULT_ENDPOINTS = {
    "grpc": "http://localhost:4317",
    "http/protobuf": "http://localhost:4318",
    "http/json": "http://localhost:4318",
}
# Characters of a setting, or of all headers. No backend accepts more, and execve(2) does not pass on longer variables.
_MAX_SETTING_LENGTH = 128 * 1024
_COMPRESSIONS: dict[Protocol, tuple[Compression, ...]] = {
    "grpc": ("none", "gzip"),
    "http/protobuf": get_args(Compression),
    "http/json": get_args(Compression),
}


class OTLPSettings(NamedTuple):
    """Where one signal goes, and how.

    Attributes:
        signal: `logs` or `traces`.
        protocol: `http/protobuf` (the default), `http/json` or `grpc`.
        endpoint: the URL to send to; for HTTP with the signal's path.
        headers: the headers that the backend needs, as a mapping, in the form of `OTEL_EXPORTER_OTLP_HEADERS`, or as a
            list of `name` and `value`.
        timeout: seconds within which the backend must have accepted; above 0 and at most 300, by default 10. A variable
            above 300 is read as milliseconds.
        compression: `none` (the default), `gzip`, or over HTTP `deflate`.
        certificate: path of the CA certificates to trust, PEM.
        client_key: path of the private key of a client certificate, PEM.
        client_certificate: path of that certificate, PEM.
        insecure: `true` or `false` (the default): whether gRPC connects without TLS if the endpoint has no scheme.
        retryable_codes: names of the gRPC status codes after which the exporter tries again.
        notes: variables that were read in an unexpected way, each as one line.
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
    retryable_codes: tuple[str, ...]
    notes: tuple[str, ...]


LENIENT = ("timeout", "compression", "insecure")  # an invalid variable of these counts as unset
FILE_SETTINGS = ("certificate", "client_key", "client_certificate")  # settings that name files


def read_files(settings: OTLPSettings) -> dict[str, bytes | None]:
    """Return the contents of the files that the settings name, by setting; None where one names none.

    Raises:
        SettingsError: one is not a regular file, is too large, or cannot be read.
    """
    contents: dict[str, bytes | None] = {}
    for name in FILE_SETTINGS:
        path = getattr(settings, name)
        try:
            contents[name] = None if path is None else read_regular_file(path)
        except UnreadableFileError as error:
            message = f"the file named by {name} (OTEL_EXPORTER_OTLP_{name.upper()}) {error}"
            raise SettingsError(message) from None
    return contents


class OTLPKeywords(TypedDict, total=False):
    """The settings that the exporters take as keywords, for type checkers; None counts as not given."""

    protocol: Protocol | None
    endpoint: str | None
    headers: dict[str, str] | list[dict[str, str]] | str | None
    timeout: float | None
    compression: Compression | None
    certificate: str | None
    client_key: str | None
    client_certificate: str | None
    insecure: bool | None


KEYWORDS = OTLPKeywords.__optional_keys__


def resolve_signal(environ: Mapping[str, str], chosen: str | None = None) -> Signal:
    """Return the signal to send as: `chosen`, else `OTEL_TBOT_SIGNAL`, else `logs`.

    Raises:
        SettingsError: neither `logs` nor `traces`.
    """
    name = chosen or environ.get(SIGNAL_VARIABLE, "").strip().lower() or "logs"
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
        keywords: settings from code or from a declarative file; the names are those of `OTLPSettings`.

    Raises:
        SettingsError: a variable or keyword cannot be used; the message names it but not its value.
    """
    given = {name: value for name, value in (keywords or {}).items() if value is not None}
    source = _SettingsSource(signal, environ, given, notes=[])
    source.reject_unknown()
    protocol = _protocol(source)
    source.notes.extend(_ignored(source, protocol))
    compression = partial(_compression, protocol)
    return OTLPSettings(
        signal=signal,
        protocol=protocol,
        endpoint=_endpoint(source, protocol),
        headers=_headers(source, protocol),
        timeout=source.lenient("timeout", parse_timeout, parse_timeout_variable) or DEFAULT_TIMEOUT,
        compression=source.lenient("compression", compression, lambda text, name: (compression(text, name), ""))
        or "none",
        certificate=source.text("certificate")[0],
        client_key=source.text("client_key")[0],
        client_certificate=source.text("client_certificate")[0],
        insecure=source.lenient("insecure", _insecure, _insecure_variable),
        retryable_codes=_retryable_codes(source, protocol),
        notes=tuple(source.notes),
    )


class _SettingsSource(NamedTuple):
    """The keywords and variables of one signal, each with its name for error messages, and the notes."""

    signal: Signal
    environ: Mapping[str, str]
    keywords: Mapping[str, object]
    notes: list[str]

    def reject_unknown(self) -> None:
        if not self.keywords.keys() <= KEYWORDS:
            message = f"an exporter named tbot takes only the keywords {', '.join(sorted(KEYWORDS))}"
            raise SettingsError(message)

    def value(self, keyword: str) -> tuple[object, str]:
        """Return the value of a keyword, and the name of the keyword or variable."""
        if keyword in self.keywords:
            value, name = self.keywords[keyword], keyword
        else:
            unset = (None, f"OTEL_EXPORTER_OTLP_{keyword.upper()}")
            value, name = next(iter(otlp_variables(self.signal, keyword, self.environ)), unset)
        if isinstance(value, str):
            _reject_too_long(len(value), name)
        return value, name

    def text(self, keyword: str) -> tuple[str | None, str]:
        value, name = self.value(keyword)
        if value is not None and not isinstance(value, str):
            message = f"{name} must be a string"
            raise SettingsError(message)
        return value, name

    def lenient(
        self,
        keyword: str,
        parse_keyword: Callable[[object, str], _Value],
        parse_variable: Callable[[str, str], tuple[_Value, str]],
    ) -> _Value | None:
        """Return the value of a setting for how to send; an invalid variable is noted and skipped.

        Args:
            keyword: the setting.
            parse_keyword: returns the value of a keyword.
            parse_variable: returns the value of a variable, and a note if it was read in an unexpected way.
        """
        if keyword in self.keywords:
            return parse_keyword(self.keywords[keyword], keyword)
        for text, name in otlp_variables(self.signal, keyword, self.environ):
            try:
                value, note = parse_variable(text, name)
            except SettingsError as error:  # noqa: PERF203  at most two
                self.notes.append(f"{error}: it counts as unset")
            else:
                self.notes.extend([note] if note else [])
                return value
        return None


def _reject_too_long(length: int, name: str) -> None:
    if length > _MAX_SETTING_LENGTH:
        message = f"{name} must have at most {_MAX_SETTING_LENGTH} characters"
        raise SettingsError(message)


def _protocol(source: _SettingsSource) -> Protocol:
    value, name = source.text("protocol")
    for protocol in _PROTOCOLS:
        if protocol == (value or "http/protobuf").lower():
            return protocol
    message = f"{name} must be http/protobuf, http/json or grpc"
    raise SettingsError(message)


def _endpoint(source: _SettingsSource, protocol: str) -> str:
    value, name = source.text("endpoint")
    value = value or _DEFAULT_ENDPOINTS[protocol]
    # Only the general variable is a base that the signal's path is added to.
    signal_path = f"/v1/{source.signal}" if name == "OTEL_EXPORTER_OTLP_ENDPOINT" else ""
    try:
        return grpc_target(value) if protocol == "grpc" else http_url(value, signal_path)
    except EndpointError as error:
        message = f"{name} must {error}"
        raise SettingsError(message) from None


def _headers(source: _SettingsSource, protocol: str) -> dict[str, str]:
    value, name = source.value("headers")
    headers = parse_headers(value, name, protocol)
    _reject_too_long(sum(len(key) + len(text) for key, text in headers.items()), name)
    return headers


def _compression(protocol: Protocol, value: object, name: str) -> str:
    allowed = _COMPRESSIONS[protocol]
    if isinstance(value, str) and value.lower() in allowed:
        return value.lower()
    message = f"{name} must be {' or '.join(allowed)} with the protocol {protocol}"
    raise SettingsError(message)


def _insecure(value: object, name: str) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    message = f"{name} must be true or false"
    raise SettingsError(message)


def _insecure_variable(text: str, name: str) -> tuple[bool, str]:
    """Return whether a variable is `true`: anything else is false, even if the general variable is true."""
    value = text.lower()
    return value == "true", "" if value in {"true", "false"} else f"{name} must be true or false: it counts as false"


def _ignored(source: _SettingsSource, protocol: str) -> list[str]:
    """Note the variable of a credential provider: the OTLP exporters of Python would load the code that it names."""
    prefix = f"OTEL_PYTHON_EXPORTER_OTLP_{'GRPC' if protocol == 'grpc' else 'HTTP'}"
    names = (f"{prefix}_{source.signal.upper()}_CREDENTIAL_PROVIDER", f"{prefix}_CREDENTIAL_PROVIDER")
    name = next(filter(source.environ.get, names), None)
    return (
        [f"{name} is ignored, as the code that it names is not loaded: use OTEL_EXPORTER_OTLP_HEADERS"] if name else []
    )


def _retryable_codes(source: _SettingsSource, protocol: str) -> tuple[str, ...]:
    codes, note = retryable_codes(source.environ)
    if note and protocol == "grpc":
        source.notes.append(note)
    return codes
