"""Makes the OTLP exporter that the settings describe: one of four, by protocol and signal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from otel_tbot.errors import SettingsError
from otel_tbot.otel.forks import require_unforked
from otel_tbot.otel.quiet import hush

if TYPE_CHECKING:
    from otel_tbot.otel.otlp_settings import OTLPSettings
    from otel_tbot.otel.verdict import Verdict

# What these log holds headers, addresses and answers, among which may be credentials and anything else.
_INDISCREET = (
    "grpc._common",
    "opentelemetry.util.re",
    "urllib3.connection",
    "urllib3.connectionpool",
    "urllib3.response",
    "urllib3.util.retry",
)
# The exporter gets a little less than the deadline, so that it ends by itself and is not left behind.
_EXPORTERS_SHARE = 0.95


def otlp_exporter(settings: OTLPSettings, verdict: Verdict) -> Any:  # noqa: ANN401  four types with nothing in common
    """Return an exporter.

    Args:
        settings: where and how.
        verdict: where the reason of a failure is left.

    Raises:
        SettingsError: a certificate or key file cannot be read, or gRPC cannot be used in this process.
    """
    hush(*_INDISCREET)
    for name in ("certificate", "client_key", "client_certificate"):
        _require_readable(name, getattr(settings, name))
    exporter = _by_protocol(settings._replace(timeout=settings.timeout * _EXPORTERS_SHARE), verdict)
    hush(*(kind.__module__ for kind in type(exporter).__mro__ if ".exporter." in kind.__module__))
    return exporter


def _by_protocol(settings: OTLPSettings, verdict: Verdict) -> Any:  # noqa: ANN401  see above
    if settings.protocol == "grpc":
        require_unforked()
        from otel_tbot.otel.otlp_grpc import grpc_exporter  # noqa: PLC0415  each loads a large library

        return grpc_exporter(settings, verdict)
    from otel_tbot.otel.otlp_http import http_exporter  # noqa: PLC0415  see above

    return http_exporter(settings, verdict)


def _require_readable(name: str, path: str | None) -> None:
    try:
        if path is not None:
            Path(path).open("rb").close()
    except OSError as error:
        message = f"the file named by {name} (OTEL_EXPORTER_OTLP_{name.upper()}) cannot be read: {error.strerror}"
        raise SettingsError(message) from None
