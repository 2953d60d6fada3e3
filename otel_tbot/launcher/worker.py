"""The work of the sender: prepare the report of this start and deliver it. The first module to load anything large."""

from __future__ import annotations

import time
from importlib import import_module
from typing import TYPE_CHECKING

from otel_tbot.api import Outcome, deliver
from otel_tbot.errors import OtelTbotError
from otel_tbot.isolated_python import isolate_environment
from otel_tbot.prepared_start import prepare_start
from otel_tbot.tbot.command_line import parse
from otel_tbot.tbot.version_probe import PROBE_TIMEOUT

if TYPE_CHECKING:
    from otel_tbot.launcher.arguments import Arguments
    from otel_tbot.otlp.settings import OTLPSettings

_EXIT_SECONDS = 0.1  # what the process needs to end after the delivery


def report(arguments: Arguments, timeout: float, deadline: float) -> Outcome:
    """Deliver the event of one start.

    Args:
        arguments: the arguments of `run`.
        timeout: seconds that the delivery may take.
        deadline: when the process must end, on the monotonic clock.

    Returns:
        The outcome, for a caller that requested it.
    """
    try:
        return _report(arguments, timeout, deadline)
    except OtelTbotError as error:
        return Outcome(status="failed", reason=str(error))


def _report(arguments: Arguments, timeout: float, deadline: float) -> Outcome:
    environ = isolate_environment()
    prepared = prepare_start(
        parse(arguments.command, environ),
        environ,
        tbot_version=arguments.tbot_version,
        signal=arguments.signal,
        timeout=arguments.timeout,
        # The executable's time ends before ours: a process that hangs must not be left behind.
        version_timeout=max(min(PROBE_TIMEOUT, timeout, _time_left(deadline)), 0),
        meanwhile=_load_transport,
    )
    left = _time_left(deadline)
    if left <= 0:
        return Outcome(status="failed", reason="no time was left to send it")
    return deliver(prepared.event, prepared.settings._replace(timeout=min(timeout, left)))


def _time_left(deadline: float) -> float:
    return deadline - _EXIT_SECONDS - time.monotonic()


def _load_transport(settings: OTLPSettings) -> None:
    import_module("otel_tbot.otlp.grpc" if settings.protocol == "grpc" else "otel_tbot.otlp.http")
