"""otel-tbot: tbot's anonymous start event as OpenTelemetry data.

Importing this package imports nothing else: each public name is loaded when it is first used.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from otel_tbot.api import Outcome, emit, emit_span, send
    from otel_tbot.errors import InvalidEventError, OtelTbotError, SettingsError, TbotConfigError
    from otel_tbot.event import StartEvent
    from otel_tbot.opt_in import Consent, consent
    from otel_tbot.plugins.log_exporter import AnonymousLogExporter
    from otel_tbot.plugins.log_processor import OptInLogRecordProcessor
    from otel_tbot.plugins.resource_detector import SessionResourceDetector
    from otel_tbot.plugins.sampler import OptInSampler
    from otel_tbot.plugins.span_exporter import AnonymousSpanExporter
    from otel_tbot.session import Session
    from otel_tbot.version import __version__

__all__ = [
    "AnonymousLogExporter",
    "AnonymousSpanExporter",
    "Consent",
    "InvalidEventError",
    "OptInLogRecordProcessor",
    "OptInSampler",
    "OtelTbotError",
    "Outcome",
    "Session",
    "SessionResourceDetector",
    "SettingsError",
    "StartEvent",
    "TbotConfigError",
    "__version__",
    "consent",
    "emit",
    "emit_span",
    "send",
]

_PUBLIC_NAMES = {
    "AnonymousLogExporter": "plugins.log_exporter",
    "AnonymousSpanExporter": "plugins.span_exporter",
    "Consent": "opt_in",
    "InvalidEventError": "errors",
    "OptInLogRecordProcessor": "plugins.log_processor",
    "OptInSampler": "plugins.sampler",
    "OtelTbotError": "errors",
    "Outcome": "api",
    "Session": "session",
    "SessionResourceDetector": "plugins.resource_detector",
    "SettingsError": "errors",
    "StartEvent": "event",
    "TbotConfigError": "errors",
    "__version__": "version",
    "consent": "opt_in",
    "emit": "api",
    "emit_span": "api",
    "send": "api",
}


def __getattr__(name: str) -> object:
    """Load a public name when it is first used."""
    if name not in _PUBLIC_NAMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    import importlib  # noqa: PLC0415  not needed to import the package

    value = getattr(importlib.import_module(f"{__name__}.{_PUBLIC_NAMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
