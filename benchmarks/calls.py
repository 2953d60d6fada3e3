"""The rows that measure calls inside a process."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

import yaml
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.sdk._logs import LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from benchmarks.measure import per_call
from benchmarks.row import Row
from otel_tbot import AnonymousLogExporter, OptInLogRecordProcessor, OptInSampler, Session, StartEvent
from otel_tbot.opt_in import DO_NOT_TRACK, OPT_IN, SDK_DISABLED
from otel_tbot.otel.payload import log_record, resource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

EVENT = StartEvent(run_mode="daemon", version="18.2.3", join_type="github", helper="helper", helper_version="1.0")
ENTRIES = (10, 100, 1_000, 10_000)
_KINDS = ("identity", "application-tunnel", "database", "kubernetes/v2")


class NullExporter(LogRecordExporter):
    """Takes everything and does nothing."""

    def export(self, batch: Any) -> LogRecordExportResult:  # noqa: ANN401, ARG002  the SDK's signature
        """Do nothing."""
        return LogRecordExportResult.SUCCESS

    def shutdown(self) -> None:
        """Do nothing."""

    def force_flush(self, timeout_millis: int = 0) -> bool:  # noqa: ARG002  the SDK's signature
        """Do nothing."""
        return True


class NullProcessor(LogRecordProcessor):
    """Takes everything and does nothing."""

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
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
    """Return the row of building a batch anew, and those of its parts."""
    batch = [log_record(EVENT, resource(Session()), at=10**18)] * 512
    attributes, session_resource = EVENT.attributes, resource(Session())
    anonymous = AnonymousLogExporter(NullExporter())
    for what, budget, ours in (
        ("`AnonymousLogExporter.export`, what it adds to a batch of 512", 0.25, partial(anonymous.export, batch)),
        ("of that, checking the values", None,
         lambda: [StartEvent.from_attributes(attributes) for _ in batch]),
        ("of that, making the SDK's objects", None,
         lambda: [log_record(EVENT, session_resource, at=10**18) for _ in batch]),
    ):  # fmt: skip
        yield Row(
            what=what, reference="encoding that batch", budget=budget,
            ours=_with_consent(per_call(ours, 2)), theirs=per_call(lambda: encode_logs(batch).SerializeToString(), 2),
        )  # fmt: skip


def dropping_rows() -> Iterator[Row]:
    """Return the rows of dropping a record or span without consent, and that of what decides."""
    record = ReadWriteLogRecord(LogRecord(event_name="tbot.start", attributes=EVENT.attributes))
    readable = [log_record(EVENT, resource(Session()), at=10**18)]
    for what, budget, ours, reference, theirs in (
        ("dropped without consent: exporter", 1.5, partial(AnonymousLogExporter(NullExporter()).export, readable),
         "a null exporter", partial(NullExporter().export, readable)),
        ("of that, looking up three variables that are not set", None,
         lambda: (os.environ.get(OPT_IN), os.environ.get(DO_NOT_TRACK), os.environ.get(SDK_DISABLED)),
         "a null exporter", partial(NullExporter().export, readable)),
        ("dropped without consent: processor", 1.5, partial(OptInLogRecordProcessor(NullProcessor()).on_emit, record),
         "a null processor", partial(NullProcessor().on_emit, record)),
        ("dropped without consent: sampler", 1.5, partial(OptInSampler().should_sample, None, 1, "tbot.start"),
         "`ALWAYS_OFF`", partial(ALWAYS_OFF.should_sample, None, 1, "tbot.start")),
    ):  # fmt: skip
        yield Row(
            what=what, reference=reference, budget=budget, ours=per_call(ours, 2_000), theirs=per_call(theirs, 2_000)
        )


def configuration_rows(folder: Path) -> Iterator[Row]:
    """Return the rows of reading configurations of growing size."""
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
