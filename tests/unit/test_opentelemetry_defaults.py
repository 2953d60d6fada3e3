"""No default of a class of OpenTelemetry that we construct reads a global or the environment.

The table is compared with what is installed: an argument that a release adds fails this test. Then find out what
its default reads. If that is a global or a variable, the argument gets a value from us.
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

import pytest

from otel_tbot import OptInSampler, SessionResourceDetector, StartEvent
from otel_tbot.event import validated_attributes
from otel_tbot.otlp.client import create_exporter
from otel_tbot.otlp.settings import SIGNALS, resolve_settings
from otel_tbot.receiver.metrics import Counters, create_provider
from otel_tbot.records import build_record
from otel_tbot.session import Session
from tests.support.opentelemetry_classes import arguments, constructor, used_classes

if TYPE_CHECKING:
    from collections.abc import Callable

# We give a value, which the tests below check.
GIVEN = "given"
# The default is a constant, or means "none".
CONSTANT = "constant"
# The exporter always reads variables; the values are replaced before anything is sent.
REPLACED = "replaced"
# A variable for the metrics of `serve`, which runs in our own process: the operator's choice applies.
OPERATOR = "operator"
# The constructor is not called.
UNUSED = "unused"

_HTTP = {
    "endpoint": GIVEN, "certificate_file": REPLACED, "client_key_file": REPLACED, "client_certificate_file": REPLACED,
    "headers": REPLACED, "timeout": GIVEN, "compression": GIVEN, "session": GIVEN, "max_request_size": CONSTANT,
    "meter_provider": GIVEN, "_transport": CONSTANT,
}  # fmt: skip
_GRPC = {
    "endpoint": GIVEN, "insecure": GIVEN, "credentials": GIVEN, "headers": REPLACED, "timeout": GIVEN,
    "compression": GIVEN, "channel_options": GIVEN, "retryable_error_codes": GIVEN, "meter_provider": GIVEN,
}  # fmt: skip
_METRICS = {
    "headers": GIVEN, "preferred_temporality": OPERATOR, "preferred_aggregation": OPERATOR,
    "max_export_batch_size": CONSTANT,
}  # fmt: skip
ARGUMENTS: dict[str, dict[str, str]] = {
    "opentelemetry._logs.LogRecord": {
        "timestamp": GIVEN, "observed_timestamp": GIVEN, "context": GIVEN, "trace_id": CONSTANT, "span_id": CONSTANT,
        "trace_flags": CONSTANT, "severity_text": CONSTANT, "severity_number": GIVEN, "body": GIVEN,
        "attributes": GIVEN, "event_name": GIVEN, "exception": CONSTANT,
    },
    "opentelemetry.context.Context": {},
    "opentelemetry.exporter.otlp.proto.grpc._log_exporter.OTLPLogExporter": dict.fromkeys(_GRPC, UNUSED),
    "opentelemetry.exporter.otlp.proto.grpc.exporter.OTLPExporterMixin": {
        "stub": GIVEN, "result": GIVEN, **_GRPC, "component_type": CONSTANT, "signal": CONSTANT,
    },
    "opentelemetry.exporter.otlp.proto.grpc.metric_exporter.OTLPMetricExporter": {**_GRPC, **_METRICS},
    "opentelemetry.exporter.otlp.proto.grpc.trace_exporter.OTLPSpanExporter": dict.fromkeys(_GRPC, UNUSED),
    "opentelemetry.exporter.otlp.proto.http._log_exporter.OTLPLogExporter": _HTTP,
    "opentelemetry.exporter.otlp.proto.http.metric_exporter.OTLPMetricExporter": {**_HTTP, **_METRICS},
    "opentelemetry.exporter.otlp.proto.http.trace_exporter.OTLPSpanExporter": _HTTP,
    "opentelemetry.metrics.NoOpMeterProvider": {},
    # The context is for exemplars, which are off.
    "opentelemetry.metrics.Observation": {"value": GIVEN, "attributes": CONSTANT, "context": REPLACED},
    "opentelemetry.sdk._logs.LogRecordProcessor": {},
    "opentelemetry.sdk._logs.ReadableLogRecord": {
        "log_record": GIVEN, "resource": GIVEN, "instrumentation_scope": GIVEN, "limits": CONSTANT,
    },
    "opentelemetry.sdk._logs.export.LogRecordExporter": {},
    "opentelemetry.sdk.metrics.AlwaysOffExemplarFilter": {},
    "opentelemetry.sdk.metrics.MeterProvider": {
        "metric_readers": GIVEN, "resource": GIVEN, "exemplar_filter": GIVEN, "shutdown_on_exit": GIVEN,
        "views": CONSTANT, "_meter_configurator": CONSTANT,
    },
    "opentelemetry.sdk.metrics.export.PeriodicExportingMetricReader": {
        "exporter": GIVEN, "export_interval_millis": GIVEN, "export_timeout_millis": GIVEN,
        "cardinality_limits": CONSTANT,
    },
    "opentelemetry.sdk.resources.Resource": {"attributes": GIVEN, "schema_url": CONSTANT},
    "opentelemetry.sdk.resources.ResourceDetector": {"raise_on_error": GIVEN},
    "opentelemetry.sdk.trace.ReadableSpan": {
        "name": GIVEN, "context": GIVEN, "parent": CONSTANT, "resource": GIVEN, "attributes": GIVEN, "events": CONSTANT,
        "links": CONSTANT, "kind": GIVEN, "instrumentation_info": CONSTANT, "status": GIVEN, "start_time": GIVEN,
        "end_time": GIVEN, "instrumentation_scope": GIVEN,
    },
    "opentelemetry.sdk.trace.export.SpanExporter": {},
    "opentelemetry.sdk.trace.sampling.ParentBasedTraceIdRatio": {"rate": GIVEN},
    "opentelemetry.sdk.trace.sampling.Sampler": {},
    "opentelemetry.sdk.trace.sampling.SamplingResult": {
        "decision": GIVEN, "attributes": CONSTANT, "trace_state": CONSTANT,
    },
    "opentelemetry.sdk.trace.sampling.TraceIdRatioBased": {"rate": GIVEN},
    "opentelemetry.sdk.util.instrumentation.InstrumentationScope": {
        "name": GIVEN, "version": GIVEN, "schema_url": CONSTANT, "attributes": CONSTANT,
    },
    "opentelemetry.trace.SpanContext": {
        "trace_id": GIVEN, "span_id": GIVEN, "is_remote": GIVEN, "trace_flags": GIVEN, "trace_state": CONSTANT,
    },
    "opentelemetry.trace.Status": {"status_code": GIVEN, "description": CONSTANT},
    "opentelemetry.trace.TraceFlags": {},
}  # fmt: skip
USED = used_classes()
# Created when a module is imported, or by the SDK.
NOT_OBSERVED = {
    "opentelemetry.sdk.util.instrumentation.InstrumentationScope",
    "opentelemetry.metrics.Observation",
}


def test_classes() -> None:
    """The table has every class of OpenTelemetry that the package imports, and no other."""
    assert ARGUMENTS.keys() == USED.keys()


@pytest.mark.parametrize("name", USED)
def test_arguments(name: str) -> None:
    """The table has every argument of the class in the installed release."""
    new = set(arguments(USED[name])) - ARGUMENTS[name].keys()
    assert not new, f"what do the defaults of {sorted(new)} of {name} read?"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[dict[str, Any]]]:
    """Record the arguments with which each class is constructed."""
    recorded: dict[str, list[dict[str, Any]]] = {name: [] for name in USED}
    for name, kind in USED.items():
        if found := constructor(kind):
            monkeypatch.setattr(kind, found[0], _recording(found[1], recorded[name]))
    return recorded


def _recording(function: Callable[..., Any], recorded: list[dict[str, Any]]) -> Callable[..., Any]:
    signature = inspect.signature(function)

    @functools.wraps(function)
    def record(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  any constructor
        recorded.append(signature.bind(*args, **kwargs).arguments)
        return function(*args, **kwargs)

    return record


def construct_everything() -> None:
    """Construct each class like the package does, with as few settings as possible, so that most defaults apply."""
    for protocol in ("http/protobuf", "grpc"):
        for signal in SIGNALS:
            create_exporter(resolve_settings(signal, {}, {"protocol": protocol})).shutdown()
        # Its last export is refused at once.
        nowhere = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_TIMEOUT": "0.1"}
        create_provider(Counters(), {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol, **nowhere}).shutdown()
    attributes = validated_attributes(StartEvent(run_mode="daemon"))
    for signal in SIGNALS:
        build_record(signal, attributes, Session(), timestamp_ns=0)
    for sampler in ("traceidratio=1", "parentbased_traceidratio=1"):
        OptInSampler(sampler).should_sample(None, 1, "tbot.start")
    SessionResourceDetector()


@pytest.mark.usefixtures("opted_in")
def test_given(calls: dict[str, list[dict[str, Any]]]) -> None:
    """Every constructor gets each argument marked as given, if the installed release has it."""
    construct_everything()
    for name, rows in ARGUMENTS.items():
        given = {argument for argument, how in rows.items() if how == GIVEN} & set(arguments(USED[name]))
        assert calls[name] or not given or name in NOT_OBSERVED, name
        for call in calls[name]:
            assert not [argument for argument in given if call.get(argument) is None], name
