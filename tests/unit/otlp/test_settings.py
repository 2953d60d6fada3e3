"""The standard variables keep their meaning; an invalid one is reported in one line without its value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest

from otel_tbot.errors import SettingsError
from otel_tbot.otlp.retry_codes import DEFAULT_CODES
from otel_tbot.otlp.settings import KEYWORDS, LENIENT, read_files, resolve_settings, resolve_signal

if TYPE_CHECKING:
    from pathlib import Path

PREFIX = "OTEL_EXPORTER_OTLP_"


def variables(**values: str) -> dict[str, str]:
    """Return OTLP variables, given the ends of their names."""
    return {PREFIX + name: value for name, value in values.items()}


@pytest.mark.parametrize(
    ("signal", "environ", "endpoint"),
    [
        ("logs", {}, "http://localhost:4318/v1/logs"),
        ("traces", {}, "http://localhost:4318/v1/traces"),
        ("logs", variables(PROTOCOL="grpc"), "http://localhost:4317"),
        ("logs", variables(ENDPOINT="http://a:1"), "http://a:1/v1/logs"),
        ("logs", variables(ENDPOINT="http://a:1/base/"), "http://a:1/base/v1/logs"),
        ("logs", variables(ENDPOINT="http://a:1", LOGS_ENDPOINT="http://b:2/x"), "http://b:2/x"),
        ("logs", variables(ENDPOINT="http://a:1", TRACES_ENDPOINT="http://b:2"), "http://a:1/v1/logs"),
        ("logs", variables(ENDPOINT="", LOGS_ENDPOINT=""), "http://localhost:4318/v1/logs"),
        ("logs", variables(ENDPOINT="a:1", PROTOCOL="grpc"), "a:1"),
        ("logs", variables(ENDPOINT="http://a:1", LOGS_PROTOCOL="grpc", PROTOCOL="http/protobuf"), "http://a:1"),
    ],
)
def test_endpoint(signal: str, environ: dict[str, str], endpoint: str) -> None:
    """The signal's variable is used unchanged; over HTTP, the signal's path is appended to the general one."""
    assert resolve_settings(signal, environ).endpoint == endpoint  # type: ignore[arg-type]  # one of the two signals


@pytest.mark.parametrize(
    ("name", "environ", "value"),
    [
        ("protocol", {}, "http/protobuf"),
        ("protocol", variables(PROTOCOL="grpc"), "grpc"),
        ("protocol", variables(PROTOCOL="GRPC"), "grpc"),
        ("protocol", variables(LOGS_PROTOCOL=" HTTP/Protobuf"), "http/protobuf"),
        ("protocol", variables(PROTOCOL="http/json"), "http/json"),
        ("endpoint", variables(PROTOCOL="http/json"), "http://localhost:4318/v1/logs"),
        ("compression", variables(PROTOCOL="http/json", COMPRESSION="deflate"), "deflate"),
        ("protocol", variables(PROTOCOL="http/protobuf", LOGS_PROTOCOL="grpc"), "grpc"),
        ("timeout", {}, 10.0),
        ("timeout", variables(TIMEOUT="2.5"), 2.5),
        ("timeout", variables(TIMEOUT="300"), 300.0),
        ("timeout", variables(TIMEOUT="301"), 0.301),
        ("timeout", variables(TIMEOUT="10000"), 10.0),
        ("timeout", variables(LOGS_TIMEOUT="300000"), 300.0),
        ("timeout", variables(TIMEOUT="2.5", LOGS_TIMEOUT="1"), 1.0),
        ("compression", {}, "none"),
        ("compression", variables(COMPRESSION="gzip"), "gzip"),
        ("compression", variables(COMPRESSION="GZip"), "gzip"),
        ("compression", variables(COMPRESSION="gzip", LOGS_COMPRESSION="none"), "none"),
        ("certificate", variables(CERTIFICATE="/ca.pem"), "/ca.pem"),
        ("client_key", variables(LOGS_CLIENT_KEY="/key.pem"), "/key.pem"),
        ("client_certificate", variables(CLIENT_CERTIFICATE="/cert.pem"), "/cert.pem"),
        ("insecure", {}, None),
        ("insecure", variables(INSECURE="true"), True),
        ("insecure", variables(INSECURE="True"), True),
        ("insecure", variables(INSECURE="true", LOGS_INSECURE="FALSE"), False),
        ("headers", variables(HEADERS="a=b"), {"a": "b"}),
        ("headers", variables(HEADERS="a=b", LOGS_HEADERS="C=d%20e, f=g==,"), {"c": "d e", "f": "g=="}),
    ],
)
def test_variables(name: str, environ: dict[str, str], value: object) -> None:
    """The signal's variable takes precedence over the general one, and that over the default; case does not matter."""
    settings = resolve_settings("logs", environ)
    assert getattr(settings, name) == value
    assert not [note for note in settings.notes if "milliseconds" not in note]


def test_keywords_take_precedence() -> None:
    """Keywords from code or a declarative file take precedence over variables, and are used unchanged."""
    environ = variables(LOGS_ENDPOINT="http://a:1", LOGS_TIMEOUT="3", LOGS_HEADERS="a=b")
    keywords = {"endpoint": "http://b:2/x", "timeout": 5, "headers": {"c": "d"}, "protocol": None}
    settings = resolve_settings("logs", environ, keywords)
    assert (settings.endpoint, settings.timeout, settings.headers) == ("http://b:2/x", 5.0, {"c": "d"})
    assert settings.protocol == "http/protobuf"


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        (variables(PROTOCOL="http/canary"), "OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf, http/json or grpc"),
        (
            variables(LOGS_PROTOCOL="canary"),
            "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL must be http/protobuf, http/json or grpc",
        ),
        (variables(ENDPOINT="canary:4318"), "OTEL_EXPORTER_OTLP_ENDPOINT must be a URL that starts with"),
        (variables(ENDPOINT="http://"), "OTEL_EXPORTER_OTLP_ENDPOINT must be a URL that starts with"),
        (variables(LOGS_ENDPOINT="HTTPS:///canary"), "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT must be a URL that starts with"),
        (variables(HEADERS="api-key canary"), "OTEL_EXPORTER_OTLP_HEADERS must name headers and their values"),
        (variables(LOGS_HEADERS="=canary"), "OTEL_EXPORTER_OTLP_LOGS_HEADERS must name headers"),
        (variables(HEADERS="a=canary%0d%0aX: y"), "OTEL_EXPORTER_OTLP_HEADERS must name headers"),
        (
            variables(ENDPOINT="http://user:canary@host:4317", PROTOCOL="grpc"),
            "OTEL_EXPORTER_OTLP_ENDPOINT must contain no credentials with the protocol grpc",
        ),
    ],
)
def test_unusable_variables(environ: dict[str, str], message: str) -> None:
    """An invalid destination or header is rejected with the variable's name and rule, without its value."""
    with pytest.raises(SettingsError) as caught:
        resolve_settings("logs", environ)
    assert str(caught.value).startswith(message)
    assert "canary" not in str(caught.value)


TIMEOUT_RULE = "must be a number of seconds above 0, or of milliseconds above 300: it counts as unset"
COMPRESSION_RULE = "must be none or gzip or deflate with the protocol http/protobuf: it counts as unset"
INSECURE_RULE = "must be true or false: it counts as false"


@pytest.mark.parametrize(
    ("environ", "name", "value", "notes"),
    [
        *(
            (variables(TIMEOUT=text), "timeout", 10.0, [f"TIMEOUT {TIMEOUT_RULE}"])
            for text in ("canary", "0", "-1", "inf", "nan", "300001", "1s", "9" * 200_000)
        ),
        (variables(LOGS_TIMEOUT="canary", TIMEOUT="3"), "timeout", 3.0, [f"LOGS_TIMEOUT {TIMEOUT_RULE}"]),
        (
            variables(LOGS_TIMEOUT="canary", TIMEOUT="0"),
            "timeout",
            10.0,
            [f"LOGS_TIMEOUT {TIMEOUT_RULE}", f"TIMEOUT {TIMEOUT_RULE}"],
        ),
        (variables(LOGS_TIMEOUT="3", TIMEOUT="canary"), "timeout", 3.0, []),
        (variables(TRACES_TIMEOUT="canary"), "timeout", 10.0, []),
        (variables(COMPRESSION="canary"), "compression", "none", [f"COMPRESSION {COMPRESSION_RULE}"]),
        (
            variables(LOGS_COMPRESSION="zstd", COMPRESSION="gzip"),
            "compression",
            "gzip",
            [f"LOGS_COMPRESSION {COMPRESSION_RULE}"],
        ),
        (
            variables(COMPRESSION="deflate", PROTOCOL="grpc"),
            "compression",
            "none",
            ["COMPRESSION must be none or gzip with the protocol grpc: it counts as unset"],
        ),
        *(
            (variables(INSECURE=text), "insecure", False, [f"INSECURE {INSECURE_RULE}"])
            for text in ("canary", "1", "0", "yes", "on")
        ),
        # Any value but true means false: the general variable must not turn TLS off.
        (variables(LOGS_INSECURE="no", INSECURE="true"), "insecure", False, [f"LOGS_INSECURE {INSECURE_RULE}"]),
    ],
    ids=lambda value: str(value)[:40],
)
def test_unparsable_variables(environ: dict[str, str], name: str, value: object, notes: list[str]) -> None:
    """An invalid transport variable is reported once without its value, and counts as unset."""
    settings = resolve_settings("logs", environ)
    assert getattr(settings, name) == value
    assert settings.notes == tuple(PREFIX + note for note in notes)
    assert "canary" not in str(settings)


@pytest.mark.parametrize("keyword", sorted(KEYWORDS - {"certificate", "client_key", "client_certificate"}))
def test_how_or_where(keyword: str) -> None:
    """An invalid variable is an error if it chooses the destination; an invalid keyword always is."""
    with pytest.raises(SettingsError, match=rf"^{keyword} must "):
        resolve_settings("logs", {}, {keyword: "\0"})
    if keyword in LENIENT:
        assert resolve_settings("logs", variables(**{keyword.upper(): "\0"})).notes
    else:
        with pytest.raises(SettingsError, match=rf"^OTEL_EXPORTER_OTLP_{keyword.upper()} must "):
            resolve_settings("logs", variables(**{keyword.upper(): "\0"}))


RETRYABLE = "OTEL_PYTHON_EXPORTER_OTLP_GRPC_RETRYABLE_ERROR_CODES"


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("", DEFAULT_CODES),
        (" ,", DEFAULT_CODES),
        ("unavailable, ABORTED,", ("UNAVAILABLE", "ABORTED")),
        ("INTERNAL", ("INTERNAL",)),
    ],
)
def test_retryable_codes(text: str, codes: tuple[str, ...]) -> None:
    """The exporter's own variable for gRPC is parsed like the exporter parses it."""
    settings = resolve_settings("logs", {RETRYABLE: text, **variables(PROTOCOL="grpc")})
    assert (settings.retryable_codes, settings.notes) == (codes, ())


@pytest.mark.parametrize("text", ["canary", "UNAVAILABLE,canary", "14"])
def test_unparsable_retryable_codes(text: str) -> None:
    """An invalid status code is reported where gRPC is used, and the default applies."""
    settings = resolve_settings("logs", {RETRYABLE: text, **variables(PROTOCOL="grpc")})
    assert settings.retryable_codes == DEFAULT_CODES
    (note,) = settings.notes
    assert note.startswith(f"{RETRYABLE} must name gRPC status codes")
    assert "canary" not in note
    assert resolve_settings("logs", {RETRYABLE: text}).notes == ()


def test_status_codes() -> None:
    """Every status code of gRPC can be named, and every default is one."""
    everyone = {code.name for code in grpc.StatusCode}
    assert everyone.issuperset(DEFAULT_CODES)
    for name in everyone:
        assert resolve_settings("logs", {RETRYABLE: name}).retryable_codes == (name,)
    assert {*resolve_settings("logs", {RETRYABLE: ",".join(everyone)}).retryable_codes} == everyone


def test_headers_in_the_form_of_declarative_files() -> None:
    """A list of names and values, the form of `otlp_http` in such a file, is converted to a mapping."""
    pairs = [{"name": "a", "value": "b"}, {"name": "c", "value": None}]
    assert resolve_settings("logs", {}, {"headers": pairs}).headers == {"a": "b", "c": ""}


@pytest.mark.parametrize(
    "keywords",
    [{"canary": 1}, {"signal": "logs"}, {"note": "a"},
     {"endpoint": 1}, {"headers": [1]}, {"headers": [{"name": "a", "value": 1}]},
     {"headers": [{"name": "a"}]}, {"headers": [{"name": "a", "value": "b", "c": "d"}]}, {"headers": {"a": 1}},
     {"timeout": True}, {"timeout": "x"}, {"timeout": 0}, {"timeout": -1},
     {"insecure": 1}, {"protocol": b"grpc"}, {"compression": 3}],
)  # fmt: skip
def test_unusable_keywords(keywords: dict[str, object]) -> None:
    """An invalid keyword of any type is an error of ours."""
    with pytest.raises(SettingsError):
        resolve_settings("logs", {}, keywords)


@pytest.mark.parametrize(
    ("environ", "chosen", "signal"),
    [
        ({}, None, "logs"),
        ({"OTEL_TBOT_SIGNAL": "traces"}, None, "traces"),
        ({"OTEL_TBOT_SIGNAL": ""}, None, "logs"),
        ({"OTEL_TBOT_SIGNAL": " Traces"}, None, "traces"),
        ({"OTEL_TBOT_SIGNAL": "traces"}, "logs", "logs"),
    ],
)
def test_signal(environ: dict[str, str], chosen: str | None, signal: str) -> None:
    """The argument takes precedence over the variable, and the variable over the default, logs."""
    assert resolve_signal(environ, chosen) == signal


@pytest.mark.parametrize(("environ", "chosen"), [({"OTEL_TBOT_SIGNAL": "metrics"}, None), ({}, "Logs")])
def test_unusable_signal(environ: dict[str, str], chosen: str | None) -> None:
    """Any other signal is an error."""
    with pytest.raises(SettingsError, match="must be logs or traces"):
        resolve_signal(environ, chosen)


@pytest.mark.parametrize("name", ["a", "http/jsom", "zzz"])
def test_unknown_protocol(name: str) -> None:
    """Any other protocol is an error, not a guess."""
    with pytest.raises(SettingsError, match="OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf, http/json or grpc"):
        resolve_settings("logs", {"OTEL_EXPORTER_OTLP_PROTOCOL": name})


def test_length_limit() -> None:
    """A setting, and all headers together, may have at most 128 Ki characters."""
    longest = "x" * 131072
    assert resolve_settings("logs", {"OTEL_EXPORTER_OTLP_CERTIFICATE": longest}).certificate == longest
    for more in (1, 2):
        with pytest.raises(SettingsError, match="must have at most 131072 characters"):
            resolve_settings("logs", {"OTEL_EXPORTER_OTLP_CERTIFICATE": longest + "x" * more})
    longest = "x" * 131070
    assert resolve_settings("logs", {}, {"headers": {"ab": longest}}).headers == {"ab": longest}
    with pytest.raises(SettingsError, match=r"^headers must have at most 131072 characters$"):
        resolve_settings("logs", {}, {"headers": {"ab": longest + "x"}})


def test_all_keywords() -> None:
    """Every keyword can be given at once."""
    given = {
        "protocol": "grpc", "endpoint": "https://host:1", "headers": {"a": "b"}, "timeout": 1, "compression": "gzip",
        "certificate": "ca", "client_key": "key", "client_certificate": "cert", "insecure": False,
    }  # fmt: skip
    others = {"signal": "logs", "retryable_codes": DEFAULT_CODES, "notes": ()}
    assert resolve_settings("logs", {}, given)._asdict() == {**others, **given}


def test_insecure_as_string() -> None:
    """The keyword may be a string, as in a declarative file."""
    given = ("true", "TRUE", "False")
    assert [resolve_settings("logs", {}, {"insecure": text}).insecure for text in given] == [True, True, False]


def test_unknown_signal() -> None:
    """The signal is compared by value, and a wrong one is reported by the name under which it was given."""
    assert resolve_signal({}, str(b"traces", "ascii")) == "traces"
    with pytest.raises(SettingsError, match=r"^the signal must be logs or traces$"):
        resolve_signal({}, "metrics")
    with pytest.raises(SettingsError, match=r"^OTEL_TBOT_SIGNAL must be logs or traces$"):
        resolve_signal({"OTEL_TBOT_SIGNAL": "metrics"})


@pytest.mark.parametrize(
    ("environ", "notes"),
    [
        ({}, ()),
        (variables(TIMEOUT="300"), ()),
        (variables(TIMEOUT="301"), ("OTEL_EXPORTER_OTLP_TIMEOUT is above 300 and was read as milliseconds",)),
        (
            variables(TIMEOUT="5", LOGS_TIMEOUT="10000"),
            ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT is above 300 and was read as milliseconds",),
        ),
    ],
)
def test_note_about_milliseconds(environ: dict[str, str], notes: tuple[str, ...]) -> None:
    """A large timeout is reported as read in milliseconds, with the variable's name."""
    assert resolve_settings("logs", environ).notes == notes


def test_keywords_are_seconds() -> None:
    """A timeout given by keyword is in seconds, and an error above 300."""
    assert resolve_settings("logs", {}, {"timeout": 300}).timeout == 300
    with pytest.raises(SettingsError, match=r"^timeout must be a number of seconds above 0, and at most 300$"):
        resolve_settings("logs", {}, {"timeout": 301})


@pytest.mark.parametrize("header", ["canary-bin=x", "a=b,Canary-Bin=x"])
def test_binary_headers(header: str) -> None:
    """Over gRPC, a header whose name ends with -bin has bytes, which a variable cannot contain."""
    environ = variables(HEADERS=header)
    assert len(resolve_settings("logs", environ).headers) == header.count("=")
    with pytest.raises(SettingsError, match=r"^OTEL_EXPORTER_OTLP_HEADERS must not have a header that ends with -bin"):
        resolve_settings("logs", {**environ, **variables(PROTOCOL="grpc")})


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"HTTP": "x"}, "HTTP"),
        ({"HTTP_LOGS": "x"}, "HTTP_LOGS"),
        ({"HTTP": ""}, None),
        ({"HTTP_TRACES": "x", "GRPC": "x"}, None),
        ({"GRPC": "x", "PROTOCOL": "grpc"}, "GRPC"),
        ({"GRPC_LOGS": "x", "HTTP": "x", "PROTOCOL": "grpc"}, "GRPC_LOGS"),
    ],
)
def test_credential_provider(environ: dict[str, str], name: str | None) -> None:
    """The variable of a credential provider, which the OTLP exporter would load, is reported as ignored."""
    names = {key: f"OTEL_PYTHON_EXPORTER_OTLP_{key}_CREDENTIAL_PROVIDER" for key in environ} | {
        "PROTOCOL": "OTEL_EXPORTER_OTLP_PROTOCOL"
    }
    settings = resolve_settings("logs", {names[key]: value for key, value in environ.items()})
    reason = "is ignored, as the code that it names is not loaded: use OTEL_EXPORTER_OTLP_HEADERS"
    assert settings.notes == ((f"{names[name]} {reason}",) if name else ())


def test_files(tmp_path: Path) -> None:
    """Settings that name files are replaced by the content; a missing file is reported by the setting's name."""
    certificate = tmp_path / "ca.pem"
    certificate.write_bytes(b"PEM")
    found = resolve_settings("logs", variables(CERTIFICATE=str(certificate)))
    assert read_files(found) == {"certificate": b"PEM", "client_key": None, "client_certificate": None}
    with pytest.raises(SettingsError, match=r"^the file named by client_key \(OTEL_EXPORTER_OTLP_CLIENT_KEY\) "):
        read_files(resolve_settings("logs", variables(CLIENT_KEY=str(tmp_path))))
