"""The rows that measure calls inside a process."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

import yaml
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from benchmarks.measure import per_call
from benchmarks.row import Row
from otel_tbot import AnonymousLogExporter, OptInLogRecordProcessor, OptInSampler, Session, StartEvent
from otel_tbot.event import validate_attributes
from otel_tbot.opt_in import OPT_IN
from otel_tbot.records import build_log_record, build_resource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from opentelemetry._logs import Logger
    from opentelemetry.sdk.trace.sampling import Sampler

EVENT = StartEvent(run_mode="daemon", version="18.2.3", join_type="github", helper="helper", helper_version="1.0")
ENTRIES = (10, 100, 1_000, 10_000)
_KINDS = ("identity", "application-tunnel", "database", "kubernetes/v2")


class NullExporter(LogRecordExporter):
    """Accepts everything and does nothing."""

    def export(self, batch: Any) -> LogRecordExportResult:  # noqa: ANN401, ARG002  the SDK's signature
        """Do nothing."""
        return LogRecordExportResult.SUCCESS

    def shutdown(self) -> None:
        """Do nothing."""

    def force_flush(self, timeout_millis: int = 0) -> bool:  # noqa: ARG002  the SDK's signature
        """Do nothing."""
        return True


class NullProcessor(LogRecordProcessor):
    """Accepts everything and does nothing."""

    def on_emit(self, build_log_record: ReadWriteLogRecord) -> None:
        """Do nothing."""

    def shutdown(self) -> None:
        """Do nothing."""

    def force_flush(self, timeout_millis: int = 0) -> bool:  # noqa: ARG002  the SDK's signature
        """Do nothing."""
        return True


def _with_consent(probe: Callable[[], float]) -> Callable[[], float]:
    def opted_in() -> float:
        os.environ[OPT_IN] = "1"
        try:
            return probe()
        finally:
            del os.environ[OPT_IN]

    return opted_in


def construction_rows() -> Iterator[Row]:
    """Return the row for rebuilding a batch, and those for its parts."""
    attributes, session_resource = validate_attributes(EVENT.attributes), build_resource(Session())
    batch = [build_log_record(attributes, session_resource, timestamp_ns=10**18)] * 512
    anonymous = AnonymousLogExporter(NullExporter())
    for what, budget, ours in (
        ("`AnonymousLogExporter.export`, what it adds to a batch of 512", 0.25, partial(anonymous.export, batch)),
        ("of that, checking the values", None,
         lambda: [validate_attributes(attributes) for _ in batch]),
        ("of that, making the SDK's objects", None,
         lambda: [build_log_record(attributes, session_resource, timestamp_ns=10**18) for _ in batch]),
    ):  # fmt: skip
        yield Row(
            what=what, reference="encoding that batch", budget=budget,
            ours=_with_consent(per_call(ours, 2)), theirs=per_call(lambda: encode_logs(batch).SerializeToString(), 2),
        )  # fmt: skip


def dropping_rows() -> Iterator[Row]:
    """Return the rows for dropping a record or span without consent: through the SDK, and by a direct call."""
    record = LogRecord(event_name="tbot.start", attributes=EVENT.attributes)
    emitted = ReadWriteLogRecord(record)
    batch = [build_log_record(validate_attributes(EVENT.attributes), build_resource(Session()), timestamp_ns=10**18)]
    exporter, processor, sampler = (
        AnonymousLogExporter(NullExporter()),
        OptInLogRecordProcessor(NullProcessor()),
        OptInSampler(),
    )
    for what, budget, ours, reference, theirs in (
        ("a record dropped by the exporter", 1.5, partial(_logger(SimpleLogRecordProcessor(exporter)).emit, record),
         "by a null exporter", partial(_logger(SimpleLogRecordProcessor(NullExporter())).emit, record)),
        ("of that, the exporter's call", None, partial(exporter.export, batch),
         "the null exporter's", partial(NullExporter().export, batch)),
        ("a record dropped by the processor", 1.5, partial(_logger(processor).emit, record),
         "by a null processor", partial(_logger(NullProcessor()).emit, record)),
        ("of that, the processor's call", None, partial(processor.on_emit, emitted),
         "the null processor's", partial(NullProcessor().on_emit, emitted)),
        ("a span dropped by the sampler", 1.5, _spans(sampler), "by `ALWAYS_OFF`", _spans(ALWAYS_OFF)),
        ("of that, the sampler's call", None, partial(sampler.should_sample, None, 1, "tbot.start"),
         "`ALWAYS_OFF`'s", partial(ALWAYS_OFF.should_sample, None, 1, "tbot.start")),
        ("of each of these, to look up one variable that is not set", None, lambda: OPT_IN in os.environ,
         "the null exporter's call", partial(NullExporter().export, batch)),
    ):  # fmt: skip
        yield Row(
            what=what, reference=reference, budget=budget, ours=per_call(ours, 2_000), theirs=per_call(theirs, 2_000)
        )


def _logger(processor: LogRecordProcessor) -> Logger:
    provider = LoggerProvider(Resource({}), shutdown_on_exit=False)
    provider.add_log_record_processor(processor)
    return provider.get_logger("benchmark")


def _spans(sampler: Sampler) -> Callable[[], object]:
    tracer = TracerProvider(sampler, Resource({}), shutdown_on_exit=False).get_tracer("benchmark")
    return lambda: tracer.start_span("tbot.start", attributes=EVENT.attributes).end()


def configuration_rows(folder: Path) -> Iterator[Row]:
    """Return the rows for reading configurations of growing size."""
    for entries in ENTRIES:
        path = folder / f"{entries}.yaml"
        services = "".join(
            f"  - type: {_KINDS[number % 4]}\n    destination:\n      type: directory\n      path: /opt/{number}\n"
            for number in range(entries)
        )
        text = f"version: v2\nonboarding:\n  join_method: token\nservices:\n{services}"
        path.write_text(text)
        command = ["tbot", "start", "-c", str(path)]
        calls = max(1, 200 // entries)
        yield Row(
            what=f"reading a configuration of {entries:,} entries", reference="the YAML library's parse alone",
            budget=1.2,
            ours=per_call(partial(StartEvent.from_command, command, environ={}), calls),
            theirs=per_call(partial(_parse, text), calls),
        )  # fmt: skip


def _parse(text: str) -> object:
    return yaml.load(text, Loader=yaml.CSafeLoader)
