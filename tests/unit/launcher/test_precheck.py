"""The quick check of settings before tbot starts, compared with the full rules of the sender."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_tbot.errors import SettingsError
from otel_tbot.launcher.arguments import parse
from otel_tbot.launcher.precheck import are_ordinary_headers, is_ordinary_endpoint, unusable_reason
from otel_tbot.launcher.subcommand_check import config_path
from otel_tbot.otlp.settings import resolve_settings

if TYPE_CHECKING:
    from pathlib import Path

ENDPOINTS = [
    "",
    "http://localhost:4318",
    "https://otlp.example.com",
    "https://otlp-gateway.example.com/otlp/v1_2/x.y",
    "http://10.0.0.1:65535/",
]
UNUSUAL = [
    "http://",
    "http://:4318",
    "http://@:4318",
    "http://user@",
    "http://user:secret@host",
    "http://host:port",
    "http://h:99999",
    "http://h:0",
    "http://h:",
    "http://h:4318:4318",
    "http://[::1",
    "http://[::1]:4318",
    "http://fd00::1:4318",
    "http://*:4318",
    "http://h/?token=secret",
    "http://h/#x",
    "HTTP://h",
    "dns://server/host:4317",
    "unix:/run/otlp.sock",
    "host:4317",
    "http://-h",
    "http://h.",
    "http://a..b",
    "http://h/" + "x" * 1024,
]
HEADERS = ["", "a=b", "api-key=Zm9v,other=1:2/3", "authorization=Bearer%20a.b_c-d", "x_y=", "a=b@c+d~"]
UNUSUAL_HEADERS = [
    "a",
    "=b",
    "a=b,",
    "a-bin=b",
    "a b=c",
    "a=%0A",
    "a=%",
    "a=b=c",
    'a="b"',
    "a=" + "b" * 1024,
    "é=a",
    "a=é",
]


@pytest.mark.parametrize("text", ENDPOINTS)
def test_ordinary_endpoint(text: str) -> None:
    """Usual endpoints pass the quick check."""
    assert is_ordinary_endpoint(text)


@pytest.mark.parametrize("text", UNUSUAL)
def test_unusual_endpoint(text: str) -> None:
    """Any other endpoint, valid or not, is left to the full rules."""
    assert not is_ordinary_endpoint(text)


@pytest.mark.parametrize("text", HEADERS)
def test_ordinary_headers(text: str) -> None:
    """Usual headers pass the quick check."""
    assert are_ordinary_headers(text)


@pytest.mark.parametrize("text", UNUSUAL_HEADERS)
def test_unusual_headers(text: str) -> None:
    """Any other headers, valid or not, are left to the full rules."""
    assert not are_ordinary_headers(text)


TEXTS = st.one_of(
    st.text(st.sampled_from("htps:/.-@[]#?%=,;_ abzAZ019\n\0é"), max_size=30),
    st.builds("http://{}".format, st.text(st.sampled_from(":/.-@[]a9"), max_size=12)),
    st.sampled_from(ENDPOINTS + UNUSUAL + HEADERS + UNUSUAL_HEADERS),
)


@given(text=TEXTS, protocol=st.sampled_from(["grpc", "http/protobuf"]))
def test_ordinary_is_usable(text: str, protocol: str) -> None:
    """The full rules never reject what the quick check accepts, over either protocol."""
    environ = {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol}
    if is_ordinary_endpoint(text):
        assert resolve_settings("logs", {**environ, "OTEL_EXPORTER_OTLP_ENDPOINT": text}).endpoint
    if are_ordinary_headers(text):
        resolve_settings("logs", {**environ, "OTEL_EXPORTER_OTLP_HEADERS": text})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("OTEL_EXPORTER_OTLP_ENDPOINT", value) for value in ENDPOINTS + UNUSUAL),
        *(("OTEL_EXPORTER_OTLP_LOGS_HEADERS", value) for value in HEADERS + UNUSUAL_HEADERS),
        *(("OTEL_EXPORTER_OTLP_PROTOCOL", value) for value in ("grpc", "http/protobuf", "GRPC", "x", " grpc ")),
        *(("OTEL_EXPORTER_OTLP_COMPRESSION", value) for value in ("gzip", "none", "deflate", "zstd")),
        *(("OTEL_EXPORTER_OTLP_INSECURE", value) for value in ("true", "false", "1")),
        *(("OTEL_EXPORTER_OTLP_TIMEOUT", value) for value in ("1", "10000", "0", "abc")),
    ],
)
def test_same_judgement(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message before tbot starts is that of the full rules."""
    monkeypatch.setenv(name, value)
    expected = ""
    try:
        resolve_settings("logs", {name: value})
    except SettingsError as error:
        expected = str(error)
    assert unusable_reason(parse(["tbot", "start"])) == expected


@pytest.mark.parametrize("name", ["certificate", "client_key", "client_certificate"])
def test_files(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that a setting names must exist."""
    file = tmp_path / "file.pem"
    monkeypatch.setenv(f"OTEL_EXPORTER_OTLP_{name.upper()}", str(file))
    assert unusable_reason(parse(["tbot", "start"])) == (
        f"the file named by {name} (OTEL_EXPORTER_OTLP_{name.upper()}) does not exist"
    )
    file.touch()
    assert unusable_reason(parse(["tbot", "start"])) == ""


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("start", "variable"),
        ("-c file start", "file"),
        ("-dc file start", "file"),
        ("start --config file", "file"),
        ("start --config=file", "file"),
        ("start -c one -c two", "two"),
        ("start -c", "variable"),
        ("start --config=", "variable"),
    ],
)
def test_config_path(line: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The configuration file is found in the usual forms of the flag."""
    monkeypatch.setenv("TBOT_CONFIG_PATH", "variable")
    assert config_path(["tbot", *line.split()]) == path


def test_configuration(tmp_path: Path) -> None:
    """The configuration file must exist and be readable; the sender checks its content."""
    file = tmp_path / "tbot.yaml"
    words = ["tbot", "start", "-c", str(file)]
    assert "the configuration file does not exist" in unusable_reason(parse(words))
    file.write_text("[")
    assert unusable_reason(parse(words)) == ""
