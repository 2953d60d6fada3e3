"""Report a start from a host application full of canaries: `application.py API SIGNAL CONTEXT TBOT start [ARGUMENTS]`.

Everything around the report carries a canary: the active span, its links and trace state, baggage, the pipeline's
resource and scope, the record's body, exception and further attributes, and other records and spans. Each start is
reported twice over one connection where possible, because a cookie could only come back with the second request. In
between, the application logs an exception through the SDK's handler, and checks that it entered the pipeline.

The APIs: `send`; `emit` through pipelines created here; `record` and `configured`, which use OpenTelemetry's API alone,
through pipelines created here or described by variables or a file. The contexts: `here`, `thread`, `fork`, and a
process of multiprocessing by each of its start methods.
"""

from __future__ import annotations

import inspect
import logging
import multiprocessing
import os
import sys
import traceback
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from opentelemetry import baggage, context
from opentelemetry._logs import LogRecord, SeverityNumber, get_logger_provider
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    InMemoryLogRecordExporter,
    SimpleLogRecordProcessor,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    get_tracer_provider,
    set_span_in_context,
)

from otel_tbot import AnonymousLogExporter, AnonymousSpanExporter, StartEvent, emit, emit_span, send
from tests.support.canaries.id_generator import CanaryIdGenerator
from tests.support.canaries.resource_detector import word

if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_tbot.otlp.settings import Signal

REPEATS = 2


def main(entry_point: str, signal: str, context_name: str, command: list[str]) -> None:
    """Report the start in a context."""
    # Like a real application: baggage and an active span exist while it reports.
    context.attach(baggage.set_baggage(word("name in the baggage"), word("baggage"), set_span_in_context(_parent())))
    _CONTEXTS[context_name](_Reporter(entry_point, cast("Signal", signal), command))


def _parent() -> NonRecordingSpan:
    trace_state = TraceState([(word("key of the trace state"), word("trace state"))])
    ids = CanaryIdGenerator()
    sampled = TraceFlags(TraceFlags.SAMPLED)
    of_parent = SpanContext(
        ids.generate_trace_id(), ids.generate_span_id(), is_remote=True, trace_flags=sampled, trace_state=trace_state
    )
    return NonRecordingSpan(of_parent)


class _Reporter:
    """Report one start by an API and as a signal; spawned processes get a copy."""

    def __init__(self, entry_point: str, signal: Signal, command: list[str]) -> None:
        self._api, self._signal, self._command = entry_point, signal, command

    def __call__(self) -> None:
        event = StartEvent.from_command(self._command, version="18.2.3")
        if self._api == "send":
            for _ in range(REPEATS):
                assert send(event, signal=self._signal).status == "sent"
            return
        loggers, tracers = _configured() if self._api == "configured" else _pipelines_in_code()
        entered: Any = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # the SDK's
        loggers.add_log_record_processor(SimpleLogRecordProcessor(entered))
        for _ in range(REPEATS):
            report = _emit if self._api == "emit" else _emit_by_api
            with tracers.get_tracer(word("scope")).start_as_current_span(word("active span")) as active:
                active.set_attribute(word("name of an attribute of the active span"), word("active span's attribute"))
                report(self._signal, event, loggers, tracers)
                _log_an_exception(loggers)
            loggers.force_flush()
            tracers.force_flush()
        logged = [one for one in entered.get_finished_logs() if one.log_record.body == word("log message")]
        assert len(logged) == REPEATS
        assert all(word("exception") in one.log_record.attributes["exception.stacktrace"] for one in logged)
        loggers.shutdown()
        tracers.shutdown()


def _emit(signal: str, event: StartEvent, loggers: Any, tracers: Any) -> None:  # noqa: ANN401  the API's or the SDK's
    if signal == "logs":
        emit(event, logger_provider=loggers)
    else:
        emit_span(event, tracer_provider=tracers)


def _emit_by_api(signal: str, event: StartEvent, loggers: Any, tracers: Any) -> None:  # noqa: ANN401  the API's or the SDK's
    attributes = {
        word("name of a further attribute"): word("further attribute"),
        "host.name": word("attribute host.name"),
        "session.id": word("attribute session.id"),
        "tbot.helper_version": word("attribute tbot.helper_version"),
        "tbot.cluster": word("attribute tbot.cluster"),
        **event.attributes,
        "tbot.join_type": word("attribute tbot.join_type"),
        "tbot.helper": f"{word('attribute tbot.helper')} {word('attribute tbot.helper')}",
    }
    if signal == "logs":
        _log(attributes, loggers)
    else:
        _trace(attributes, tracers)


def _log(attributes: dict[str, str | int], loggers: Any) -> None:  # noqa: ANN401  the API's or the SDK's
    scope = {word("name of a scope's attribute"): word("scope's attribute")}
    logger = loggers.get_logger(word("scope"), word("scope's version"), word("scope's schema"), scope)
    # Not every admitted SDK takes an exception with a record; one that does gives attributes precedence over its own.
    if "exception" in inspect.signature(LogRecord).parameters:
        further: dict[str, Any] = {"exception": _raised()}
    else:
        further = {}
        attributes = {**attributes, "exception.message": word("exception"), "exception.stacktrace": word("stack trace")}
    for name in ("tbot.start", word("name of another event")):
        logger.emit(
            LogRecord(
                body={word("key in a body"): word("body")},
                severity_text=word("severity text"),
                severity_number=SeverityNumber.FATAL,
                attributes=attributes,
                event_name=name,
                **further,
            )
        )


def _log_an_exception(loggers: Any) -> None:  # noqa: ANN401  the API's or the SDK's
    logger = logging.getLogger(word("logger"))
    handler = LoggingHandler(logger_provider=loggers)
    logger.addHandler(handler)
    logger.error(
        word("log message"), exc_info=_raised(), extra={word("name of a logged attribute"): word("logged attribute")}
    )
    logger.removeHandler(handler)


def _raised() -> ValueError:
    try:
        raise ValueError(word("exception"))  # noqa: TRY301  for its stack trace
    except ValueError as error:
        return error


def _trace(attributes: dict[str, str | int], tracers: Any) -> None:  # noqa: ANN401  the API's or the SDK's
    scope = {word("name of a scope's attribute"): word("scope's attribute")}
    tracer = tracers.get_tracer(word("scope"), word("scope's version"), word("scope's schema"), scope)
    links = [Link(_parent().get_span_context(), {word("name of a link's attribute"): word("link's attribute")})]
    for name in ("tbot.start", word("name of another span")):
        span = tracer.start_span(name, attributes=attributes, kind=SpanKind.CLIENT, links=links)
        span.add_event(word("span event"), {word("name of an event's attribute"): word("event's attribute")})
        span.record_exception(ValueError(word("exception")))
        span.set_status(Status(StatusCode.ERROR, word("status")))
        span.end()


def _configured() -> tuple[Any, Any]:
    loggers: Any = get_logger_provider()
    tracers: Any = get_tracer_provider()
    assert tracers.resource.attributes["container.name"] == f"{word('detected resource')} container.name"
    if "OTEL_CONFIG_FILE" in os.environ:
        assert tracers.resource.attributes["host.name"] == word("declarative file, host")
    return loggers, tracers


def _pipelines_in_code() -> tuple[Any, Any]:
    known = {"host.name": word("resource of the pipeline"), "service.name": word("service of the pipeline")}
    resource = Resource.create(known, word("schema of the pipeline"))
    loggers = LoggerProvider(resource)
    loggers.add_log_record_processor(BatchLogRecordProcessor(AnonymousLogExporter()))
    tracers = TracerProvider(resource=resource, id_generator=CanaryIdGenerator())
    tracers.add_span_processor(BatchSpanProcessor(AnonymousSpanExporter()))
    return loggers, tracers


def _in_a_thread(work: Callable[[], None]) -> None:
    with ThreadPoolExecutor(1, word("thread")) as threads:
        threads.submit(work).result()


def _in_a_fork(work: Callable[[], None]) -> None:
    # Python 3.12 warns of every fork in a process with threads, which a library may have started.
    warnings.simplefilter("ignore", DeprecationWarning)
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        finally:
            traceback.print_exc()
            os._exit(1)
    _, status = os.waitpid(child, 0)
    if status:
        raise SystemExit(1)
    # After the child, because gRPC cannot be used in a child once its parent has used it.
    work()


def _by_multiprocessing(method: str, work: Callable[[], None]) -> None:
    warnings.simplefilter("ignore", DeprecationWarning)  # about every fork, as in `_in_a_fork`
    context: Any = multiprocessing.get_context(method)  # the base class of all contexts has no `Process`
    # The fork server listens on a socket, and the path of the temporary folder may be too long for one.
    context.current_process()._config["tempdir"] = os.curdir
    child = context.Process(target=work, name=word("process"))
    child.start()
    child.join()
    if child.exitcode:
        raise SystemExit(child.exitcode)


_CONTEXTS: dict[str, Callable[[Callable[[], None]], None]] = {
    "here": lambda work: work(),
    "thread": _in_a_thread,
    "fork": _in_a_fork,
    **{
        f"multiprocessing {method}": partial(_by_multiprocessing, method)
        for method in multiprocessing.get_all_start_methods()
    },
}

if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
