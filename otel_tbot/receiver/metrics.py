"""What the receiver counts, and the same as OpenTelemetry metrics where `OTEL_METRICS_EXPORTER=otlp` requests them.

The provider is private and reads no resource from the environment: nothing that is sent names the host.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from otel_tbot.errors import SettingsError
from otel_tbot.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from opentelemetry.metrics import CallbackOptions, Observation
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import MetricExporter

_VARIABLE = "OTEL_METRICS_EXPORTER"
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_SHUTDOWN_TIMEOUT_MS = 5_000  # for the last export
_TOTALS = {
    "received": "Submissions.",
    "exported": "Events that the backend accepted.",
    "failed": "Valid events that the backend did not accept in time.",
    "unknown_fields": "Submissions with fields that this version does not know and drops.",
}


@dataclass(kw_only=True, slots=True)
class Counters:
    """The totals since the start. They hold nothing about a bot or its address.

    Only the event loop writes them; another thread reads a recent value.

    Attributes:
        received: submissions.
        refused: those that were not acknowledged, by the reason given to the client.
        exported: events that the backend accepted.
        failed: valid events that the backend did not accept in time.
        unknown_fields: submissions with fields that this version does not know and drops.
        waiting: events that wait for the backend now.
    """

    received: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    exported: int = 0
    failed: int = 0
    unknown_fields: int = 0
    waiting: int = 0

    def summary(self) -> dict[str, int]:
        """Return the totals, named as in the last log line."""
        reasons = {f"refused_{reason}": count for reason, count in sorted(self.refused.items())}
        return {
            "received": self.received,
            "exported": self.exported,
            "failed": self.failed,
            "unknown_fields": self.unknown_fields,
            "refused": sum(self.refused.values()),
            **reasons,
        }


def metrics_requested(environ: Mapping[str, str]) -> bool:
    """Return whether metrics are requested.

    Raises:
        SettingsError: an unknown exporter is requested.
    """
    value = environ.get(_VARIABLE, "").strip()
    if value not in {"", "none", "otlp"}:
        message = f"{_VARIABLE} must be otlp or none"
        raise SettingsError(message)
    return value == "otlp"


def create_provider(counters: Counters, environ: Mapping[str, str]) -> MeterProvider:
    """Return a provider that exports the counters, as often as `OTEL_METRIC_EXPORT_INTERVAL` says.

    Raises:
        SettingsError: a variable cannot be used.
    """
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415  5 MiB that most receivers do without
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415

    protocol = _protocol(environ)
    try:
        reader = PeriodicExportingMetricReader(_exporter(protocol))
    except (ValueError, OSError) as error:
        message = f"OTEL_METRIC_* or OTEL_EXPORTER_OTLP_* cannot be used for metrics ({type(error).__name__})"
        raise SettingsError(message) from None
    provider = MeterProvider(
        metric_readers=[reader],
        resource=Resource({"service.name": "otel-tbot", "service.version": __version__}),
        shutdown_on_exit=False,
    )
    _observe(provider, counters)
    return provider


def shutdown_provider(provider: MeterProvider | None) -> None:
    """Export once more, and shut down."""
    if provider is not None:
        provider.shutdown(_SHUTDOWN_TIMEOUT_MS)


def _observe(provider: MeterProvider, counters: Counters) -> None:
    from opentelemetry.metrics import Observation  # noqa: PLC0415  only with metrics

    def total(name: str) -> Callable[[CallbackOptions], Iterable[Observation]]:
        return lambda _: [Observation(getattr(counters, name))]

    meter = provider.get_meter("otel_tbot.receiver", __version__)
    for name, description in _TOTALS.items():
        meter.create_observable_counter(
            f"otel_tbot.receiver.{name}", [total(name)], unit="{event}", description=description
        )
    meter.create_observable_counter(
        "otel_tbot.receiver.refused",
        [lambda _: [Observation(count, {"reason": reason}) for reason, count in list(counters.refused.items())]],
        unit="{event}",
        description="Submissions that were not acknowledged, by the reason that the sender was given.",
    )
    meter.create_observable_gauge(
        "otel_tbot.receiver.waiting",
        [total("waiting")],
        unit="{event}",
        description="Events that wait for the backend.",
    )


def _protocol(environ: Mapping[str, str]) -> str:
    name = next((name for name in _PROTOCOLS if environ.get(name)), _PROTOCOLS[0])
    protocol = environ.get(name, "http/protobuf")
    if protocol == "http/json":
        message = f"{name} is http/json, which metrics cannot use: set {_PROTOCOLS[0]}=http/protobuf"
        raise SettingsError(message)
    return protocol


def _exporter(protocol: str) -> MetricExporter:
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter  # noqa: PLC0415

        return OTLPMetricExporter()
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import (  # noqa: PLC0415
        OTLPMetricExporter as OTLPOverHTTP,
    )

    from otel_tbot.otlp.http import PlainSession  # noqa: PLC0415

    return OTLPOverHTTP(session=PlainSession())
