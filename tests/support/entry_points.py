"""Every entry point that can send an event, as a program that tries one of them under several environments.

`python -m tests.support.entry_points ENTRY_POINT` reads rows of variables as JSON, `{name: {variable: value}}`. It sets
each row's variables in turn, uses the entry point once, and prints the outcomes as JSON, `{name: outcome}`. Under the
hook of `audit`, the row's name labels the events. What an entry point needs at its start, such as a host application's
pipelines, is created before the first row. The version in the event is the number of the row.
"""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import redirect_stderr
from typing import TYPE_CHECKING, Any

import otel_tbot
from tests.support.audit import set_label

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk._logs import LogRecordProcessor

    Action = Callable[[otel_tbot.StartEvent], str]

BETWEEN_ROWS = "between the rows"
TBOT = "./tbot"  # the fake tbot in the working directory


def main(entry_point: str) -> None:
    """Use one entry point under each row."""
    action = _ENTRY_POINTS[entry_point]()
    outcomes = {}
    for number, (name, environ) in enumerate(json.load(sys.stdin).items()):
        event = otel_tbot.StartEvent(run_mode="daemon", version=f"{number}.0")
        os.environ.update(environ)
        set_label(name)
        outcomes[name] = action(event)
        set_label(BETWEEN_ROWS)
        for variable in environ:
            os.environ.pop(variable, None)
    print(json.dumps(outcomes))  # noqa: T201  the result


def _consent() -> Action:
    def action(_event: otel_tbot.StartEvent) -> str:
        decision = otel_tbot.consent()
        return f"{'on' if decision else 'off'}: {decision.reason}"

    return action


def _send() -> Action:
    def action(event: otel_tbot.StartEvent) -> str:
        outcome = otel_tbot.send(event)
        return f"{outcome.status}: {outcome.reason}"

    return action


def _emit() -> Action:
    return lambda event: _command("emit", "--tbot-version", event.version or "", TBOT, "start")


def _serve() -> Action:
    return lambda _event: _command("serve", "--listen", "127.0.0.1:0")


def _command(*arguments: str) -> str:
    from otel_tbot.cli.commands import run_command_line  # noqa: PLC0415  each entry point loads what it needs

    with redirect_stderr(io.StringIO()) as stderr:
        status = run_command_line(list(arguments))
    return f"{status}: {stderr.getvalue()}"


def _run(*options: str) -> Action:
    from otel_tbot.launcher.run import run  # noqa: PLC0415  only this entry point loads it

    def action(event: otel_tbot.StartEvent) -> str:
        row = set_label(BETWEEN_ROWS)  # this fork belongs to the test: `run` execs tbot, and this process must continue
        child = os.fork()
        if child == 0:
            set_label(row)
            os._exit(run([*options, "--tbot-version", event.version or "", TBOT, "start"]) or 0)
        return str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

    return action


def _run_supervising() -> Action:
    """`run --supervise`, which stays as tbot's parent when on, and waits for the sender."""
    return _run("--supervise")


def _without_pipelines() -> Action:
    """`emit` and `emit_span` without a configured SDK."""

    def action(event: otel_tbot.StartEvent) -> str:
        otel_tbot.emit(event)
        otel_tbot.emit_span(event)
        return ""

    return action


def _configured() -> Action:
    """Pipelines described by variables or by a file, created like `opentelemetry-instrument` creates them."""
    from opentelemetry._logs import get_logger_provider  # noqa: PLC0415  only this entry point loads it
    from opentelemetry.instrumentation.auto_instrumentation import initialize  # noqa: PLC0415
    from opentelemetry.trace import get_tracer_provider  # noqa: PLC0415

    initialize()
    return _by_pipelines(get_logger_provider(), get_tracer_provider())


def _in_code() -> Action:
    """Pipelines created in code without our sampler and processor: only the exporters decide."""
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor  # noqa: PLC0415  only this entry point loads it
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    return _by_pipelines(
        *_providers(
            BatchLogRecordProcessor(otel_tbot.AnonymousLogExporter()),
            BatchSpanProcessor(otel_tbot.AnonymousSpanExporter()),
        )
    )


def _withdrawn_in_the_queue() -> Action:
    """Pipelines created in code, with consent withdrawn while the event waits in the batch."""
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor  # noqa: PLC0415  only this entry point loads it
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    loggers, tracers = _providers(
        BatchLogRecordProcessor(otel_tbot.AnonymousLogExporter()),
        BatchSpanProcessor(otel_tbot.AnonymousSpanExporter()),
    )

    def action(event: otel_tbot.StartEvent) -> str:
        _report(event, loggers, tracers)
        os.environ["TELEPORT_ANONYMOUS_TELEMETRY"] = "0"
        return f"{loggers.force_flush()} {tracers.force_flush()}"

    return action


def _exporters() -> Action:
    """The exporters, loaded by their entry points: `export()` is called directly."""
    from importlib.metadata import entry_points  # noqa: PLC0415  only this entry point loads it

    from otel_tbot.records import build_record  # noqa: PLC0415

    (logs,) = entry_points(group="opentelemetry_logs_exporter", name="tbot")
    (spans,) = entry_points(group="opentelemetry_traces_exporter", name="tbot")
    log_exporter, span_exporter = logs.load()(), spans.load()()

    def action(event: otel_tbot.StartEvent) -> str:
        record, span = (
            build_record(signal, event.attributes, otel_tbot.Session(), timestamp_ns=1) for signal in ("logs", "traces")
        )
        return f"{log_exporter.export([record]).name} {span_exporter.export([span]).name}"

    return action


def _before_the_exporters() -> Action:
    """Our sampler and processor in front of the host's own exporters; the outcome counts what reached those."""
    from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: PLC0415  only this entry point loads it
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter  # noqa: PLC0415

    logs: Any = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # the SDK's
    spans = InMemorySpanExporter()
    processor = otel_tbot.OptInLogRecordProcessor(SimpleLogRecordProcessor(logs))
    sampler = otel_tbot.OptInSampler("always_on")
    loggers, tracers = _providers(processor, SimpleSpanProcessor(spans), sampler=sampler)

    def action(event: otel_tbot.StartEvent) -> str:
        logs.clear()
        spans.clear()
        _report(event, loggers, tracers)
        return f"{len(logs.get_finished_logs())} {len(spans.get_finished_spans())}"

    return action


def _providers(log_processor: LogRecordProcessor, span_processor: Any, **keywords: Any) -> tuple[Any, Any]:  # noqa: ANN401  the SDK's
    from opentelemetry.sdk._logs import LoggerProvider  # noqa: PLC0415  only this entry point loads it
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415

    loggers, tracers = LoggerProvider(), TracerProvider(**keywords)
    loggers.add_log_record_processor(log_processor)
    tracers.add_span_processor(span_processor)
    return loggers, tracers


def _by_pipelines(loggers: Any, tracers: Any) -> Action:  # noqa: ANN401  the API's or the SDK's providers
    def action(event: otel_tbot.StartEvent) -> str:
        _report(event, loggers, tracers)
        return f"{loggers.force_flush()} {tracers.force_flush()}"

    return action


def _report(event: otel_tbot.StartEvent, loggers: Any, tracers: Any) -> None:  # noqa: ANN401  the API's or the SDK's
    """Report by our functions, and by a record and span of the host's own, which only the plug-ins can check."""
    from opentelemetry._logs import LogRecord  # noqa: PLC0415  only this entry point loads it

    otel_tbot.emit(event, logger_provider=loggers)
    otel_tbot.emit_span(event, tracer_provider=tracers)
    with tracers.get_tracer("host").start_as_current_span("of the host"):
        loggers.get_logger("host").emit(LogRecord(event_name="tbot.start", attributes=event.attributes))
        tracers.get_tracer("host").start_span("tbot.start", attributes=event.attributes).end()


_ENTRY_POINTS: dict[str, Callable[[], Action]] = {
    "consent": _consent,
    "send": _send,
    "emit": _emit,
    "run": _run,
    "run --supervise": _run_supervising,
    "serve": _serve,
    "calls": _without_pipelines,
    "configured": _configured,
    "declarative": _configured,
    "in code": _in_code,
    "withdrawn in the queue": _withdrawn_in_the_queue,
    "exporters": _exporters,
    "before the exporters": _before_the_exporters,
}

if __name__ == "__main__":
    main(sys.argv[1])
