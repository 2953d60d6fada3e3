"""The arguments of a gRPC exporter depend only on the settings; other tests use real backends."""

from __future__ import annotations

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc.exporter import OTLPExporterMixin

from otel_tbot.otlp.grpc import grpc_arguments
from otel_tbot.otlp.sdk_compat import supported_arguments
from otel_tbot.otlp.settings import FILE_SETTINGS, resolve_settings


@pytest.mark.parametrize(
    ("endpoint", "insecure", "without_tls"),
    [
        ("http://host:1", None, True),
        ("http://host:1", "false", True),
        ("HTTP://host:1", "false", True),
        ("https://host:1", None, False),
        ("https://host:1", "true", False),
        ("host:1", None, False),
        ("host:1", "1", False),
        ("host:1", "TRUE", True),
        ("dns:///host:1", None, False),
        ("dns:///host:1", "true", True),
        ("unix:socket", "true", True),
        ("unix:socket", "false", False),
    ],
)
def test_insecure(monkeypatch: pytest.MonkeyPatch, endpoint: str, insecure: str | None, *, without_tls: bool) -> None:
    """The endpoint's scheme takes precedence over the setting, and the default is TLS."""
    variables = {"OTEL_EXPORTER_OTLP_INSECURE": insecure} if insecure else {}
    settings = resolve_settings("logs", variables, {"protocol": "grpc", "endpoint": endpoint})
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_INSECURE", "false" if without_tls else "true")  # read already
    assert grpc_arguments(OTLPExporterMixin, settings, dict.fromkeys(FILE_SETTINGS))["insecure"] is without_tls


def test_retryable_codes() -> None:
    """An exporter that has the argument gets the codes of the variable."""

    class Exporter:
        def __init__(self, retryable_error_codes: object) -> None:
            raise NotImplementedError

    environ = {"OTEL_PYTHON_EXPORTER_OTLP_GRPC_RETRYABLE_ERROR_CODES": "aborted,UNAVAILABLE"}
    settings = resolve_settings("logs", environ, {"protocol": "grpc"})
    arguments = grpc_arguments(Exporter, settings, dict.fromkeys(FILE_SETTINGS))
    assert arguments["retryable_error_codes"] == [grpc.StatusCode.ABORTED, grpc.StatusCode.UNAVAILABLE]
    assert "meter_provider" not in arguments


def test_supported() -> None:
    """An argument that the installed release does not have is left out."""
    assert supported_arguments(lambda known: known, known=1, new=2) == {"known": 1}
