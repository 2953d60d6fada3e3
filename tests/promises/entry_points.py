"""Every entry point that could send the event, as a program: one process tries one with many environments in turn.

`python -m tests.promises.entry_points NAME` reads environments as JSON, `{name: {variable: value}}`. It sets each in
turn,
calls the entry point once, and prints the results as JSON, `{name: words}`. The audit hook of `audit` reports what
happens meanwhile under the name of the environment. What an entry point needs first, such as the pipelines of a host
application, is created before the first environment. The version in the event is the environment's number.
"""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import redirect_stderr
from typing import TYPE_CHECKING, Any

import otel_tbot
from tests.promises.audit import mark

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk._logs import LogRecordProcessor

    Act = Callable[[otel_tbot.StartEvent], str]

BETWEEN_ROWS = "between the rows"
TBOT = "./tbot"  # a stand-in in the working directory


def main(way: str) -> None:
    """Go one way under each row."""
    act = _WAYS[way]()
    outcomes = {}
    for number, (name, environ) in enumerate(json.load(sys.stdin).items()):
        event = otel_tbot.StartEvent(run_mode="daemon", version=f"{number}.0")
        os.environ.update(environ)
        mark(name)
        outcomes[name] = act(event)
        mark(BETWEEN_ROWS)
        for variable in environ:
            os.environ.pop(variable, None)
    print(json.dumps(outcomes))  # noqa: T201  the result


def _consent() -> Act:
    def act(_event: otel_tbot.StartEvent) -> str:
        decision = otel_tbot.consent()
        return f"{'on' if decision else 'off'}: {decision.reason}"

    return act


def _send() -> Act:
    def act(event: otel_tbot.StartEvent) -> str:
        outcome = otel_tbot.send(event)
        return f"{outcome.status}: {outcome.reason}"

    return act


def _emit() -> Act:
    return lambda event: _command("emit", "--tbot-version", event.version or "", TBOT, "start")


def _serve() -> Act:
    return lambda _event: _command("serve", "--listen", "127.0.0.1:0")


def _command(*arguments: str) -> str:
    from otel_tbot.cli.commands import run_command_line  # noqa: PLC0415  each way loads what it needs

    with redirect_stderr(io.StringIO()) as said:
        status = run_command_line(list(arguments))
    return f"{status}: {said.getvalue()}"


def _run(*options: str) -> Act:
    from otel_tbot.launcher.run import run  # noqa: PLC0415  see above

    def act(event: otel_tbot.StartEvent) -> str:
        row = mark(BETWEEN_ROWS)  # the fork is ours: `run` becomes tbot, and this process must go on
        child = os.fork()
        if child == 0:
            mark(row)
            os._exit(run([*options, "--tbot-version", event.version or "", TBOT, "start"]) or 0)
        return str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

    return act


def _run_supervising() -> Act:
    """`run` that stays as tbot's parent when on, and ends after the sender."""
    return _run("--supervise")


def _calls() -> Act:
    """`emit` and `emit_span` where no one has set up OpenTelemetry."""

    def act(event: otel_tbot.StartEvent) -> str:
        otel_tbot.emit(event)
        otel_tbot.emit_span(event)
        return ""

    return act


def _configured() -> Act:
    """Pipelines that variables or a file describe, made as `opentelemetry-instrument` makes them."""
    from opentelemetry._logs import get_logger_provider  # noqa: PLC0415  see above
    from opentelemetry.instrumentation.auto_instrumentation import initialize  # noqa: PLC0415
    from opentelemetry.trace import get_tracer_provider  # noqa: PLC0415

    initialize()
    return _through(get_logger_provider(), get_tracer_provider())


def _in_code() -> Act:
    """Pipelines that a host makes in its code, without sampler and processor of ours: the exporters alone decide."""
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor  # noqa: PLC0415  see above
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    return _through(
        *_providers(
            BatchLogRecordProcessor(otel_tbot.AnonymousLogExporter()),
            BatchSpanProcessor(otel_tbot.AnonymousSpanExporter()),
        )
    )


def _withdrawn_in_the_queue() -> Act:
    """The same, with consent withdrawn while the event waits in the batch."""
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor  # noqa: PLC0415  see above
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    loggers, tracers = _providers(
        BatchLogRecordProcessor(otel_tbot.AnonymousLogExporter()),
        BatchSpanProcessor(otel_tbot.AnonymousSpanExporter()),
    )

    def act(event: otel_tbot.StartEvent) -> str:
        _report(event, loggers, tracers)
        os.environ["TELEPORT_ANONYMOUS_TELEMETRY"] = "0"
        return f"{loggers.force_flush()} {tracers.force_flush()}"

    return act


def _exporters() -> Act:
    """The exporters themselves, found by their entry points, as the last gate: `export()` is called directly."""
    from importlib.metadata import entry_points  # noqa: PLC0415  see above

    from otel_tbot.records import build_record  # noqa: PLC0415

    (logs,) = entry_points(group="opentelemetry_logs_exporter", name="tbot")
    (spans,) = entry_points(group="opentelemetry_traces_exporter", name="tbot")
    log_exporter, span_exporter = logs.load()(), spans.load()()

    def act(event: otel_tbot.StartEvent) -> str:
        record, span = (
            build_record(signal, event.attributes, otel_tbot.Session(), timestamp_ns=1) for signal in ("logs", "traces")
        )
        return f"{log_exporter.export([record]).name} {span_exporter.export([span]).name}"

    return act


def _before_the_exporters() -> Act:
    """The sampler and the processor, before exporters of the host's own: says how much has come to those."""
    from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: PLC0415  see above
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter  # noqa: PLC0415

    logs: Any = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # the SDK's
    spans = InMemorySpanExporter()
    processor = otel_tbot.OptInLogRecordProcessor(SimpleLogRecordProcessor(logs))
    sampler = otel_tbot.OptInSampler("always_on")
    loggers, tracers = _providers(processor, SimpleSpanProcessor(spans), sampler=sampler)

    def act(event: otel_tbot.StartEvent) -> str:
        logs.clear()
        spans.clear()
        _report(event, loggers, tracers)
        return f"{len(logs.get_finished_logs())} {len(spans.get_finished_spans())}"

    return act


def _providers(log_processor: LogRecordProcessor, span_processor: Any, **keywords: Any) -> tuple[Any, Any]:  # noqa: ANN401  the SDK's
    from opentelemetry.sdk._logs import LoggerProvider  # noqa: PLC0415  see above
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415

    loggers, tracers = LoggerProvider(), TracerProvider(**keywords)
    loggers.add_log_record_processor(log_processor)
    tracers.add_span_processor(span_processor)
    return loggers, tracers


def _through(loggers: Any, tracers: Any) -> Act:  # noqa: ANN401  the API's or the SDK's providers
    def act(event: otel_tbot.StartEvent) -> str:
        _report(event, loggers, tracers)
        return f"{loggers.force_flush()} {tracers.force_flush()}"

    return act


def _report(event: otel_tbot.StartEvent, loggers: Any, tracers: Any) -> None:  # noqa: ANN401  see above
    """Report by our calls; and as a host could make the event itself, where none of our calls asks for consent."""
    from opentelemetry._logs import LogRecord  # noqa: PLC0415  see above

    otel_tbot.emit(event, logger_provider=loggers)
    otel_tbot.emit_span(event, tracer_provider=tracers)
    with tracers.get_tracer("host").start_as_current_span("of the host"):
        loggers.get_logger("host").emit(LogRecord(event_name="tbot.start", attributes=event.attributes))
        tracers.get_tracer("host").start_span("tbot.start", attributes=event.attributes).end()


_WAYS: dict[str, Callable[[], Act]] = {
    "consent": _consent,
    "send": _send,
    "emit": _emit,
    "run": _run,
    "run --supervise": _run_supervising,
    "serve": _serve,
    "calls": _calls,
    "configured": _configured,
    "declarative": _configured,
    "in code": _in_code,
    "withdrawn in the queue": _withdrawn_in_the_queue,
    "exporters": _exporters,
    "before the exporters": _before_the_exporters,
}

if __name__ == "__main__":
    main(sys.argv[1])
