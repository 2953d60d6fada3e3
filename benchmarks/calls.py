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
from otel_tbot.opt_in import OPT_IN
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
    """Return the row of building a batch anew."""
    batch = [log_record(EVENT, resource(Session()), at=10**18)] * 512
    anonymous = AnonymousLogExporter(NullExporter())
    yield Row(
        what="`AnonymousLogExporter.export`, what it adds to a batch of 512", reference="encoding that batch",
        budget=0.25,
        ours=_with_consent(per_call(partial(anonymous.export, batch), 2)),
        theirs=per_call(lambda: encode_logs(batch).SerializeToString(), 2),
    )  # fmt: skip


def dropping_rows() -> Iterator[Row]:
    """Return the rows of dropping a record or span without consent."""
    record = ReadWriteLogRecord(LogRecord(event_name="tbot.start", attributes=EVENT.attributes))
    readable = [log_record(EVENT, resource(Session()), at=10**18)]
    for what, ours, reference, theirs in (
        ("exporter", partial(AnonymousLogExporter(NullExporter()).export, readable), "a null exporter",
         partial(NullExporter().export, readable)),
        ("processor", partial(OptInLogRecordProcessor(NullProcessor()).on_emit, record), "a null processor",
         partial(NullProcessor().on_emit, record)),
        ("sampler", partial(OptInSampler().should_sample, None, 1, "tbot.start"), "`ALWAYS_OFF`",
         partial(ALWAYS_OFF.should_sample, None, 1, "tbot.start")),
    ):  # fmt: skip
        yield Row(
            what=f"dropped without consent: {what}", reference=reference, budget=1.5,
            ours=per_call(ours, 2_000), theirs=per_call(theirs, 2_000),
        )  # fmt: skip


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
