"""Exports records to the OTLP backend that the settings describe: one deadline, consent before each export, one result.

Every byte that this package sends to a backend by itself passes through `OTLPClient.export`.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from otel_tbot.errors import SettingsError
from otel_tbot.opt_in import consent
from otel_tbot.otlp.deadline import run_with_timeout
from otel_tbot.otlp.failure_reason import FailureReason
from otel_tbot.otlp.grpc_guard import require_not_forked
from otel_tbot.otlp.log_suppression import install_log_filter, suppress_export_logs
from otel_tbot.otlp.settings import resolve_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from otel_tbot.otlp.settings import OTLPSettings, Signal

# These loggers write headers, addresses and responses, which may hold credentials.
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
        reason: why not, in one line; empty if accepted.
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
            keywords: settings that take precedence over the environment's, see `OTLPSettings`.
            settings: all settings, if they are resolved already; then no variable is read.
        """
        self._signal = signal
        self._keywords = dict(keywords or {})
        self._failure = FailureReason()
        self._connection = _Connection(settings)
        # Kept, because releasing a connection closes it, with locks that are in the state they had at the fork.
        self._inherited_connections: list[_Connection] = []

    def export(self, records: Sequence[Any]) -> ExportResult:
        """Export log records or spans. Raises nothing.

        Returns:
            Accepted only if the backend accepted all of them. After the deadline nothing more is sent.
        """
        if self._connection.pid != os.getpid():
            # A connection must not be shared with the parent process.
            self._inherited_connections.append(self._connection)
            self._connection = _Connection()
        connection = self._connection
        cancelled = threading.Event()
        try:
            settings = connection.settings = connection.settings or resolve_settings(
                self._signal, os.environ, self._keywords
            )
            return run_with_timeout(settings.timeout, lambda: self._export(connection, settings, records, cancelled))
        except SettingsError as error:
            return ExportResult(accepted=False, reason=str(error))
        except TimeoutError:
            cancelled.set()
            connection.shutdown()
            return ExportResult(accepted=False, reason=f"the backend did not accept it within {settings.timeout:g} s")

    def _export(
        self, connection: _Connection, settings: OTLPSettings, records: Sequence[Any], cancelled: threading.Event
    ) -> ExportResult:
        with suppress_export_logs():
            try:
                exporter = connection.get_exporter(settings, self._failure, cancelled)
                # Creating an exporter takes time, during which consent may have been withdrawn.
                decision = consent()
                if cancelled.is_set() or not decision:
                    return ExportResult(accepted=False, reason=decision.reason)
                result = exporter.export(records)
            except SettingsError as error:
                return ExportResult(accepted=False, reason=str(error))
            except Exception as error:  # noqa: BLE001  no error of a transport reaches the host
                reason = self._failure.reason or f"the exporter failed ({type(error).__name__})"
                return ExportResult(accepted=False, reason=reason)
        if result.name == "SUCCESS":
            return ExportResult(accepted=True)
        return ExportResult(accepted=False, reason=self._failure.reason or "the exporter failed")

    def shutdown(self) -> None:
        """Close the connection and end any export in progress. A later `export` connects again."""
        if self._connection.pid == os.getpid():  # the parent's connection is not the child's to close
            self._connection.shutdown()


class _Connection:
    """The settings and the exporter of one process."""

    def __init__(self, settings: OTLPSettings | None = None) -> None:
        self.pid = os.getpid()
        self.settings = settings
        self._lock = threading.Lock()
        self._exporter: Any = None

    def get_exporter(self, settings: OTLPSettings, failure: FailureReason, cancelled: threading.Event) -> Any:  # noqa: ANN401  one of four types
        """Return the exporter, created if there is none. A cancelled call leaves none behind."""
        existing = self._exporter
        if existing is not None:
            return existing
        created = create_exporter(settings, failure)
        with self._lock:
            if self._exporter is None and not cancelled.is_set():
                self._exporter = created
                return created
        created.shutdown()  # the deadline is over, or another thread was faster
        return self._exporter or created

    def shutdown(self) -> None:
        """Shut the exporter down, if there is one."""
        with self._lock:
            exporter, self._exporter = self._exporter, None
        if exporter is not None:
            with suppress_export_logs(), suppress(Exception):
                exporter.shutdown()


def create_exporter(settings: OTLPSettings, failure: FailureReason) -> Any:  # noqa: ANN401  one of four types
    """Return the OTLP exporter that the settings describe: one of four, by protocol and signal.

    Args:
        settings: where and how.
        failure: receives the reason when an export fails.

    Raises:
        SettingsError: a certificate or key file cannot be read, or gRPC cannot be used in this process.
    """
    install_log_filter(*_SENSITIVE_LOGGERS)
    for name in ("certificate", "client_key", "client_certificate"):
        _require_readable(name, getattr(settings, name))
    settings = settings._replace(timeout=settings.timeout * _TIMEOUT_FRACTION)
    exporter: Any
    # Each transport loads a large library.
    if settings.protocol == "grpc":
        require_not_forked()
        from otel_tbot.otlp.grpc import grpc_exporter  # noqa: PLC0415

        exporter = grpc_exporter(settings, failure)
    else:
        from otel_tbot.otlp.http import http_exporter  # noqa: PLC0415

        exporter = http_exporter(settings, failure)
    install_log_filter(*(kind.__module__ for kind in type(exporter).__mro__ if ".exporter." in kind.__module__))
    return exporter


def _require_readable(name: str, path: str | None) -> None:
    try:
        if path is not None:
            Path(path).open("rb").close()
    except OSError as error:
        message = f"the file named by {name} (OTEL_EXPORTER_OTLP_{name.upper()}) cannot be read: {error.strerror}"
        raise SettingsError(message) from None
