"""Exports records to the OTLP backend that the settings describe: one deadline, consent before each export, one result.

Every byte that this package sends to a backend by itself passes through `OTLPClient.export`.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from otel_tbot.errors import SettingsError
from otel_tbot.log_warning import warn
from otel_tbot.opt_in import consent
from otel_tbot.otlp.deadline import NoThreadError, run_with_timeout
from otel_tbot.otlp.failure_reason import FailureReason, describe_exception
from otel_tbot.otlp.grpc_guard import require_not_forked
from otel_tbot.otlp.settings import read_files, resolve_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from otel_tbot.otlp.settings import OTLPSettings, Signal

# These loggers write headers, addresses and responses, which may contain credentials.
_SENSITIVE_LOGGERS = (
    "grpc._common",
    "opentelemetry.util.re",
    "urllib3.connection",
    "urllib3.connectionpool",
    "urllib3.response",
    "urllib3.util.retry",
)
# The exporter's share of the deadline: it ends by itself shortly before, and is not left behind.
_TIMEOUT_FRACTION = 0.95


class ExportResult(NamedTuple):
    """The result of an export.

    Attributes:
        accepted: whether the backend accepted all records.
        reason: why not, as one line; empty if accepted.
    """

    accepted: bool
    reason: str = ""


class OTLPClient:
    """A client of one backend for one signal. It connects when first needed, and again in a forked child."""

    def __init__(
        self, signal: Signal, keywords: Mapping[str, object] | None = None, *, settings: OTLPSettings | None = None
    ) -> None:
        """Keep the arguments. Reads no variable yet, and raises nothing.

        Args:
            signal: `logs` or `traces`.
            keywords: settings that take precedence over the environment; the names are those of `OTLPSettings`.
            settings: all settings, if they are resolved already; then no variable is read.
        """
        self._signal = signal
        self._keywords = dict(keywords or {})
        self._process = _ProcessState(settings)
        # Kept, because releasing a connection closes it, with locks that are in the state that they had at the fork.
        self._inherited: list[_ProcessState] = []

    def export(self, make_records: Callable[[], Sequence[Any]]) -> ExportResult:
        """Export log records or spans. Raises nothing.

        Args:
            make_records: returns them. Called within the deadline, because it may import the SDK.

        Returns:
            Accepted only if the backend accepted all of them. After the deadline nothing more is sent.
        """
        if self._process.pid != os.getpid():
            # A connection must not be shared with the parent process.
            self._inherited.append(self._process)
            self._process = _ProcessState()
        process = self._process
        try:
            settings = process.settings = process.settings or resolve_settings(self._signal, os.environ, self._keywords)
        except SettingsError as error:
            return ExportResult(accepted=False, reason=str(error))
        if not process.noted:
            process.noted = True
            for note in settings.notes:
                warn("%s", note)
        export = _Export(process, settings)
        try:
            return run_with_timeout(settings.timeout, lambda: export.run(make_records))
        except TimeoutError:
            export.cancel()
            return ExportResult(accepted=False, reason=f"the backend did not accept it within {settings.timeout:g} s")
        except NoThreadError:
            return ExportResult(accepted=False, reason="no thread could be started to send it within the timeout")

    def force_flush(self, timeout_millis: int) -> bool:  # noqa: ARG002  the interface of exporters
        """Return true: nothing is buffered."""
        return True

    def shutdown(self) -> None:
        """Close the connections and end any export in progress. A later `export` connects again."""
        if self._process.pid == os.getpid():  # the parent's connections are not the child's to close
            self._process.shutdown()


class _Exporter(NamedTuple):
    """An OTLP exporter, its connection, and where it leaves the reason of a failure. One export uses it at a time."""

    exporter: Any
    failure: FailureReason

    def export(self, records: Sequence[Any]) -> ExportResult:
        try:
            accepted = self.exporter.export(records).name == "SUCCESS"
        except Exception as error:  # noqa: BLE001  no error of a transport reaches the host
            reason = self.failure.reason or f"the exporter failed ({type(error).__name__})"
            return ExportResult(accepted=False, reason=reason)
        return ExportResult(accepted, "" if accepted else self.failure.reason or "the exporter failed")

    def shutdown(self) -> None:
        from otel_tbot.otlp.log_suppression import suppress_export_logs  # noqa: PLC0415  loads OpenTelemetry

        with suppress_export_logs(), suppress(Exception):
            self.exporter.shutdown()


class _Export:
    """One export: the only user of its exporter, so that its deadline does not end another export."""

    def __init__(self, process: _ProcessState, settings: OTLPSettings) -> None:
        self._process = process
        self._settings = settings
        self._lock = threading.Lock()
        self._cancelled = False
        self._exporter: _Exporter | None = None

    def run(self, make_records: Callable[[], Sequence[Any]]) -> ExportResult:
        from otel_tbot.otlp.log_suppression import suppress_export_logs  # noqa: PLC0415  loads OpenTelemetry

        with suppress_export_logs():
            try:
                return self._run(make_records())
            except SettingsError as error:
                return ExportResult(accepted=False, reason=str(error))
            except Exception as error:  # noqa: BLE001  a broken installation must not reach the host either
                reason = f"the event could not be built or sent ({describe_exception(error)})"
                return ExportResult(accepted=False, reason=reason)
            finally:
                self._process.end(self, None if self._cancelled else self._exporter)

    def _run(self, records: Sequence[Any]) -> ExportResult:
        exporter = self._process.begin(self) or create_exporter(self._settings)
        with self._lock:
            self._exporter = exporter
            cancelled = self._cancelled
        if cancelled:
            exporter.shutdown()
        # Creating an exporter takes time, during which consent may have been withdrawn.
        decision = consent()
        if cancelled or not decision:
            return ExportResult(accepted=False, reason=decision.reason)
        return exporter.export(records)

    def cancel(self) -> None:
        """End the export: a thread that waits for the backend gets an error, and nothing more is sent."""
        with self._lock:
            self._cancelled = True
            exporter = self._exporter
        self._process.end(self, None)
        if exporter is not None:
            exporter.shutdown()


class _ProcessState:
    """The state of one process: the settings, the exports in progress, and an exporter that waits for the next one."""

    def __init__(self, settings: OTLPSettings | None = None) -> None:
        self.pid = os.getpid()
        self.settings = settings
        self.noted = False
        self._lock = threading.Lock()
        self._idle: _Exporter | None = None
        self._running: set[_Export] = set()

    def begin(self, export: _Export) -> _Exporter | None:
        """Note that an export runs, and return the idle exporter if there is one."""
        with self._lock:
            self._running.add(export)
            idle, self._idle = self._idle, None
        return idle

    def end(self, export: _Export, exporter: _Exporter | None) -> None:
        """Note that an export has ended. Its exporter is kept for the next one, unless one is kept already."""
        with self._lock:
            keep = export in self._running and self._idle is None
            self._running.discard(export)
            if keep:
                self._idle = exporter
        if exporter is not None and not keep:
            exporter.shutdown()

    def shutdown(self) -> None:
        """Shut all exporters down."""
        with self._lock:
            idle, self._idle = self._idle, None
            running = list(self._running)
        if idle is not None:
            idle.shutdown()
        for export in running:
            export.cancel()


def create_exporter(settings: OTLPSettings) -> _Exporter:
    """Return the OTLP exporter that the settings describe: one of four, by protocol and signal.

    Raises:
        SettingsError: a certificate or key file cannot be read, or gRPC cannot be used in this process.
    """
    from otel_tbot.otlp.log_suppression import install_log_filter  # noqa: PLC0415  loads OpenTelemetry

    install_log_filter(*_SENSITIVE_LOGGERS)
    files = read_files(settings)
    settings = settings._replace(timeout=settings.timeout * _TIMEOUT_FRACTION)
    failure = FailureReason()
    exporter: Any
    # Each transport loads a large library.
    if settings.protocol == "grpc":
        require_not_forked()
        from otel_tbot.otlp.grpc import grpc_exporter  # noqa: PLC0415

        exporter = grpc_exporter(settings, failure, files)
    else:
        from otel_tbot.otlp.http import http_exporter  # noqa: PLC0415

        exporter = http_exporter(settings, failure)
    install_log_filter(*(kind.__module__ for kind in type(exporter).__mro__ if ".exporter." in kind.__module__))
    return _Exporter(exporter, failure)
