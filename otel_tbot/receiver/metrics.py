"""What the receiver counts, also as OpenTelemetry metrics if `OTEL_METRICS_EXPORTER=otlp` requests them.

The provider is private and reads no resource from the environment: nothing that is sent names the host.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from threading import TIMEOUT_MAX
from typing import TYPE_CHECKING

from otel_tbot.errors import SettingsError
from otel_tbot.otlp.settings import read_files, resolve_settings
from otel_tbot.receiver.logfmt import log_event, log_notes
from otel_tbot.timeout import otlp_variables
from otel_tbot.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from opentelemetry.metrics import CallbackOptions, Observation
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import MetricExporter

_VARIABLE = "OTEL_METRICS_EXPORTER"
_SHUTDOWN_TIMEOUT_MS = 5_000  # for the last export
_TOTALS = {
    "received": "Submissions.",
    "exported": "Events that the backend accepted.",
    "failed": "Valid events that the backend did not accept in time.",
    "unknown_fields": "Submissions with fields that this version does not know and drops.",
}


@dataclass(kw_only=True, slots=True)
class Counters:
    """The totals since the start. They contain nothing about a bot or its address.

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
    value = environ.get(_VARIABLE, "").strip().lower()
    if value not in {"", "none", "otlp"}:
        message = f"{_VARIABLE} must be otlp or none"
        raise SettingsError(message)
    return value == "otlp"


def create_provider(counters: Counters, environ: Mapping[str, str]) -> MeterProvider:
    """Return a provider that exports the counters, as often as `OTEL_METRIC_EXPORT_INTERVAL` says.

    Raises:
        SettingsError: a variable cannot be used.
    """
    # 5 MiB that most receivers do not need
    from opentelemetry.sdk.metrics import AlwaysOffExemplarFilter, MeterProvider  # noqa: PLC0415
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415

    reader = PeriodicExportingMetricReader(
        _exporter(environ),
        export_interval_millis=_milliseconds(environ, "OTEL_METRIC_EXPORT_INTERVAL", 60_000),
        export_timeout_millis=_milliseconds(environ, "OTEL_METRIC_EXPORT_TIMEOUT", 30_000),
    )
    provider = MeterProvider(
        metric_readers=[reader],
        resource=Resource({"service.name": "otel-tbot", "service.version": __version__}),
        exemplar_filter=AlwaysOffExemplarFilter(),
        shutdown_on_exit=False,
    )
    _observe(provider, counters)
    return provider


def shutdown_provider(provider: MeterProvider | None) -> None:
    """Export a last time, and shut down."""
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


def _milliseconds(environ: Mapping[str, str], name: str, default: float) -> float:
    """Return the value of a variable; an unusable one is logged, and counts as unset."""
    text = environ.get(name, "").strip()
    with suppress(ValueError):
        if 0 < float(text) <= TIMEOUT_MAX:
            return float(text)
    if text:
        log_event(
            "setting",
            level=logging.WARNING,
            note=f"{name} must be a number of milliseconds above 0: it counts as unset",
        )
    return default


def _exporter(environ: Mapping[str, str]) -> MetricExporter:
    settings = resolve_settings("metrics", environ)  # type: ignore[arg-type]  # this signal has the same variables
    if settings.protocol == "http/json":
        _, name = otlp_variables("metrics", "protocol", environ)[0]
        remedy = "set OTEL_EXPORTER_OTLP_METRICS_PROTOCOL=http/protobuf"
        message = f"{name} is http/json, which metrics cannot use: {remedy}"
        raise SettingsError(message)
    log_notes(settings)
    files = read_files(settings)
    if settings.protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter  # noqa: PLC0415

        from otel_tbot.otlp.grpc import grpc_arguments  # noqa: PLC0415

        # The exporter parses this variable even where it is given a timeout.
        os.environ.pop("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", None)
        return OTLPMetricExporter(
            **grpc_arguments(OTLPMetricExporter, settings, files), headers=tuple(settings.headers.items())
        )
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import (  # noqa: PLC0415
        OTLPMetricExporter as OTLPOverHTTP,
    )

    from otel_tbot.otlp.http import PlainSession, http_arguments  # noqa: PLC0415

    return OTLPOverHTTP(**http_arguments(OTLPOverHTTP, settings), session=PlainSession(settings))
