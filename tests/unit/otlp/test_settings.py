"""The standard variables keep their meaning, and what cannot be used is said in one line without its value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from otel_tbot.errors import SettingsError
from otel_tbot.otlp.settings import read_file, resolve_settings, resolve_signal

if TYPE_CHECKING:
    from pathlib import Path

PREFIX = "OTEL_EXPORTER_OTLP_"


def variables(**values: str) -> dict[str, str]:
    """Return OTLP variables from the ends of their names."""
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
    """The signal's variable is taken as it is; the general one is a base, to which HTTP adds the signal's path."""
    assert resolve_settings(signal, environ).endpoint == endpoint  # type: ignore[arg-type]  # one of the two signals


@pytest.mark.parametrize(
    ("name", "environ", "value"),
    [
        ("protocol", {}, "http/protobuf"),
        ("protocol", variables(PROTOCOL="grpc"), "grpc"),
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
        ("compression", variables(COMPRESSION="gzip", LOGS_COMPRESSION="none"), "none"),
        ("certificate", variables(CERTIFICATE="/ca.pem"), "/ca.pem"),
        ("client_key", variables(LOGS_CLIENT_KEY="/key.pem"), "/key.pem"),
        ("client_certificate", variables(CLIENT_CERTIFICATE="/cert.pem"), "/cert.pem"),
        ("insecure", {}, None),
        ("insecure", variables(INSECURE="true"), True),
        ("insecure", variables(INSECURE="true", LOGS_INSECURE="FALSE"), False),
        ("headers", variables(HEADERS="a=b"), {"a": "b"}),
        ("headers", variables(HEADERS="a=b", LOGS_HEADERS="C=d%20e, f=g==,"), {"c": "d e", "f": "g=="}),
    ],
)
def test_variables(name: str, environ: dict[str, str], value: object) -> None:
    """The signal's variable takes precedence over the general one, and that over the default."""
    assert getattr(resolve_settings("logs", environ), name) == value


def test_keywords_stand_before_variables() -> None:
    """What is given in code or in a declarative file is used as it is."""
    environ = variables(LOGS_ENDPOINT="http://a:1", LOGS_TIMEOUT="3", LOGS_HEADERS="a=b")
    keywords = {"endpoint": "http://b:2/x", "timeout": 5, "headers": {"c": "d"}, "protocol": None}
    settings = resolve_settings("logs", environ, keywords)
    assert (settings.endpoint, settings.timeout, settings.headers) == ("http://b:2/x", 5.0, {"c": "d"})
    assert settings.protocol == "http/protobuf"


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        (variables(PROTOCOL="http/json"), "OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf or grpc"),
        (variables(LOGS_PROTOCOL="canary"), "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL must be http/protobuf or grpc"),
        (variables(ENDPOINT="canary:4318"), "OTEL_EXPORTER_OTLP_ENDPOINT must be a URL that starts with"),
        (variables(ENDPOINT="http://"), "OTEL_EXPORTER_OTLP_ENDPOINT must be a URL that starts with"),
        (variables(LOGS_ENDPOINT="HTTPS:///canary"), "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT must be a URL that starts with"),
        (variables(TIMEOUT="canary"), "OTEL_EXPORTER_OTLP_TIMEOUT must be a number of seconds above 0"),
        (variables(TIMEOUT="0"), "OTEL_EXPORTER_OTLP_TIMEOUT must be"),
        (variables(TIMEOUT="-1"), "OTEL_EXPORTER_OTLP_TIMEOUT must be"),
        (variables(TIMEOUT="inf"), "OTEL_EXPORTER_OTLP_TIMEOUT must be"),
        (variables(TIMEOUT="nan"), "OTEL_EXPORTER_OTLP_TIMEOUT must be"),
        (variables(COMPRESSION="canary"), "OTEL_EXPORTER_OTLP_COMPRESSION must be none or gzip or deflate"),
        (
            variables(COMPRESSION="deflate", PROTOCOL="grpc"),
            "OTEL_EXPORTER_OTLP_COMPRESSION must be none or gzip with the protocol grpc",
        ),
        (variables(TIMEOUT="300001"), "OTEL_EXPORTER_OTLP_TIMEOUT must be"),
        (variables(HEADERS="api-key canary"), "OTEL_EXPORTER_OTLP_HEADERS must name headers and their values"),
        (variables(LOGS_HEADERS="=canary"), "OTEL_EXPORTER_OTLP_LOGS_HEADERS must name headers"),
        (variables(HEADERS="a=canary%0d%0aX: y"), "OTEL_EXPORTER_OTLP_HEADERS must name headers"),
        (
            variables(ENDPOINT="http://user:canary@host:4317", PROTOCOL="grpc"),
            "OTEL_EXPORTER_OTLP_ENDPOINT must hold no credentials with the protocol grpc",
        ),
        (variables(INSECURE="canary"), "OTEL_EXPORTER_OTLP_INSECURE must be true or false"),
    ],
)
def test_unusable_variables(environ: dict[str, str], message: str) -> None:
    """A variable that cannot be used is named, with what it may be, and without what it is."""
    with pytest.raises(SettingsError) as caught:
        resolve_settings("logs", environ)
    assert str(caught.value).startswith(message)
    assert "canary" not in str(caught.value)


def test_headers_in_the_form_of_declarative_files() -> None:
    """A list of names and values, as `otlp_http` has it in such a file, is the mapping that it means."""
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
    """A keyword that cannot be used is an error of ours, whatever its type."""
    with pytest.raises(SettingsError):
        resolve_settings("logs", {}, keywords)


@pytest.mark.parametrize(
    ("environ", "chosen", "signal"),
    [
        ({}, None, "logs"),
        ({"OTEL_TBOT_SIGNAL": "traces"}, None, "traces"),
        ({"OTEL_TBOT_SIGNAL": ""}, None, "logs"),
        ({"OTEL_TBOT_SIGNAL": "traces"}, "logs", "logs"),
    ],
)
def test_signal(environ: dict[str, str], chosen: str | None, signal: str) -> None:
    """The argument takes precedence over the variable, and the variable over the default, logs."""
    assert resolve_signal(environ, chosen) == signal


@pytest.mark.parametrize(("environ", "chosen"), [({"OTEL_TBOT_SIGNAL": "metrics"}, None), ({}, "Logs")])
def test_unusable_signal(environ: dict[str, str], chosen: str | None) -> None:
    """Another signal than these two is an error."""
    with pytest.raises(SettingsError, match="must be logs or traces"):
        resolve_signal(environ, chosen)


@pytest.mark.parametrize("name", ["a", "http/json", "zzz"])
def test_unknown_protocol(name: str) -> None:
    """A protocol that is neither of the two is an error, not a guess."""
    with pytest.raises(SettingsError, match="OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf or grpc"):
        resolve_settings("logs", {"OTEL_EXPORTER_OTLP_PROTOCOL": name})


def test_length_limit() -> None:
    """A setting, and all headers together, may have 128 Ki characters, and not one more."""
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
    assert resolve_settings("logs", {}, given)._asdict() == {"signal": "logs", "note": "", **given}


def test_unknown_signal() -> None:
    """The signal is compared by value, and a wrong one is reported by the name under which it was given."""
    assert resolve_signal({}, str(b"traces", "ascii")) == "traces"
    with pytest.raises(SettingsError, match=r"^the signal must be logs or traces$"):
        resolve_signal({}, "metrics")
    with pytest.raises(SettingsError, match=r"^OTEL_TBOT_SIGNAL must be logs or traces$"):
        resolve_signal({"OTEL_TBOT_SIGNAL": "metrics"})


@pytest.mark.parametrize(
    ("environ", "note"),
    [
        ({}, ""),
        (variables(TIMEOUT="300"), ""),
        (variables(TIMEOUT="301"), "OTEL_EXPORTER_OTLP_TIMEOUT is above 300 and was read as milliseconds"),
        (
            variables(TIMEOUT="5", LOGS_TIMEOUT="10000"),
            "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT is above 300 and was read as milliseconds",
        ),
    ],
)
def test_note_about_milliseconds(environ: dict[str, str], note: str) -> None:
    """How a large number was read is said, with the variable's name."""
    assert resolve_settings("logs", environ).note == note


def test_keywords_are_seconds() -> None:
    """A number that was typed is seconds, and more than 300 of them an error."""
    assert resolve_settings("logs", {}, {"timeout": 300}).timeout == 300
    with pytest.raises(SettingsError, match=r"^timeout must be a number of seconds above 0, and at most 300$"):
        resolve_settings("logs", {}, {"timeout": 301})


@pytest.mark.parametrize("header", ["canary-bin=x", "a=b,Canary-Bin=x"])
def test_binary_headers(header: str) -> None:
    """Over gRPC a name that ends with -bin means bytes, which no variable can hold."""
    environ = variables(HEADERS=header)
    assert len(resolve_settings("logs", environ).headers) == header.count("=")
    with pytest.raises(SettingsError, match=r"^OTEL_EXPORTER_OTLP_HEADERS must name no header that ends with -bin"):
        resolve_settings("logs", {**environ, **variables(PROTOCOL="grpc")})


def test_files(tmp_path: Path) -> None:
    """A setting that names a file stands for its content; what is no file is reported by the setting's name."""
    certificate = tmp_path / "ca.pem"
    certificate.write_bytes(b"PEM")
    settings = resolve_settings("logs", variables(CERTIFICATE=str(certificate), CLIENT_KEY=str(tmp_path)))
    assert read_file(settings, "certificate") == b"PEM"
    assert read_file(settings, "client_certificate") is None
    with pytest.raises(SettingsError, match=r"^the file named by client_key \(OTEL_EXPORTER_OTLP_CLIENT_KEY\) "):
        read_file(settings, "client_key")
