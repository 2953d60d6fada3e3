"""An endpoint is parsed as OpenTelemetry specifies, or rejected in one sentence that does not repeat it."""

from __future__ import annotations

import pytest

from otel_tbot.otlp.endpoint import EndpointError, grpc_target, http_url


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://h", "http://h/v1/logs"),
        ("http://h/", "http://h/v1/logs"),
        ("http://h:4318/base//", "http://h:4318/base/v1/logs"),
        ("HTTPS://Host.Example:1/Base", "https://Host.Example:1/Base/v1/logs"),
        ("http://h/otlp?token=canary", "http://h/otlp/v1/logs"),
        ("http://h/otlp#canary", "http://h/otlp/v1/logs"),
        ("https://user:pa%23ss@h", "https://user:pa%23ss@h/v1/logs"),
        ("http://[::1]:4318", "http://[::1]:4318/v1/logs"),
        ("http://[fd00::1]", "http://[fd00::1]/v1/logs"),
        ("http://127.0.0.1:65535", "http://127.0.0.1:65535/v1/logs"),
        ("http://otel_collector:4318", "http://otel_collector:4318/v1/logs"),
        ("http://b\u00fccher.example", "http://b\u00fccher.example/v1/logs"),
    ],
)
def test_general_endpoint(given: str, url: str) -> None:
    """Scheme, credentials, host, port and path count; the signal's path is added."""
    assert http_url(given, "/v1/logs") == url


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://h", "http://h"),
        ("http://h/", "http://h/"),
        ("http://h/x/?a=b&c#d", "http://h/x/?a=b&c"),
    ],
)
def test_own_endpoint(given: str, url: str) -> None:
    """A signal's own endpoint is used unchanged; a fragment is never sent over HTTP."""
    assert http_url(given) == url


NO_ADDRESSES = (
    "",
    "http://",
    "http:///canary",
    "https://?canary",
    "http://fd00::1:4318",
    "http://:4318",
    "http://@:4318",
    "http://user@",
    "http://host:port",
    "http://h:99999",
    "http://h:",
    "http://h:0",
    "http://h:-1",
    "http://[::1",
    "http://[canary]",
    "http://[1:2]",
    "http://[127.0.0.1]",
    "https://user:pa#ss@h",
    "http://*:4318",
    "http://a b",
    "http://h\n:1",
    "http://h\t",
    "http://h\x00",
    "http://h%20",
    "http://a,b:1",
    "ftp://h",
    "canary://h",
)


@pytest.mark.parametrize("given", [*NO_ADDRESSES, "localhost:4318", "unix:/run/canary", "//h"])
def test_not_a_url(given: str) -> None:
    """Everything else is rejected before anything is sent, and the message says what is allowed."""
    message = "^be a URL that starts with http:// or https:// and a host, such as https://HOST:PORT$"
    with pytest.raises(EndpointError, match=message):
        http_url(given, "/v1/logs")


@pytest.mark.parametrize(
    ("given", "target"),
    [
        ("http://h:4317", "http://h:4317"),
        ("HTTPS://h:4317/ignored?canary", "https://h:4317"),
        ("h:4317", "h:4317"),
        ("h", "h"),
        ("[::1]:4317", "[::1]:4317"),
        ("dns:///h:4317", "dns:///h:4317"),
        ("unix:/run/collector.sock", "unix:/run/collector.sock"),
        ("unix:///run/collector.sock", "unix:///run/collector.sock"),
    ],
)
def test_target(given: str, target: str) -> None:
    """Over gRPC, the forms of a target that name only the backend are accepted."""
    assert grpc_target(given) == target


@pytest.mark.parametrize(
    "given",
    [
        *NO_ADDRESSES,
        *(
            "dns://canary/h:4317",
            "dns:///",
            "canary:///h:4317",
            "dns:h:4317",
            "ipv4:127.0.0.1:4317",
            "xds:///h",
            "unix:",
            "unix:a b",
        ),
        *("fd00::1:4317", ":4317", "h:port", "h:99999", "*:4317"),
    ],
)
def test_not_a_target(given: str) -> None:
    """Other forms are rejected: with them, gRPC would ask another server or send to it."""
    message = "^be http://HOST:PORT, https://HOST:PORT, HOST:PORT, dns:///HOST:PORT or unix:PATH$"
    with pytest.raises(EndpointError, match=message):
        grpc_target(given)


@pytest.mark.parametrize("given", ["http://user:canary@h:4317", "canary@h:4317", "dns:///canary@h"])
def test_credentials(given: str) -> None:
    """Over gRPC an endpoint cannot contain credentials."""
    with pytest.raises(EndpointError, match=r"^contain no credentials with the protocol grpc: set them as headers$"):
        grpc_target(given)
