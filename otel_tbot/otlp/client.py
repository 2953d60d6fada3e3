"""Sends to the OTLP backend that the settings describe: consent first, one deadline, an honest answer.

Every byte that this package sends to a backend of its own passes through `OTLPClient.export`.
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

    from otel_tbot.otlp.failure_reason import FailureReason
    from otel_tbot.otlp.settings import OTLPSettings, Signal

# DOC: """Makes the OTLP exporter that the settings describe: one of four, by protocol and signal."""


class ExportResult(NamedTuple):
    """What became of an export: accepted, or why not."""

    accepted: bool
    reason: str = ""


class OTLPClient:
    """A connection to one backend for one signal, made when first needed and anew in a forked child."""

    def __init__(self, signal: Signal, keywords: Mapping[str, object] | None = None) -> None:
        """Remember what to send; read no variable yet, and raise nothing.

        Args:
            signal: `logs` or `traces`.
            keywords: settings that stand before the environment's, see `OTLPSettings`.
        """
        self._signal = signal
        self._keywords = dict(keywords or {})
        self._verdict = FailureReason()
        self._exporter: Any = None
        self._of_parents: list[Any] = []
        self._reset_after_fork()

    def _reset_after_fork(self) -> None:
        self._pid = os.getpid()
        self._swapping = threading.Lock()
        self._settings: OTLPSettings | None = None
        # Kept, since to let go of a connection is to close it, and the locks that takes are as the fork found them.
        self._of_parents.append(self._exporter)
        self._exporter = None

    def export(self, records: Sequence[Any]) -> ExportResult:
        """Export log records or spans.

        Returns:
            Accepted only if the backend accepted them all. Without consent, or after an error of any kind, not. After
            the deadline nothing is sent any more.
        """
        decision = consent()
        if not decision:
            return ExportResult(accepted=False, reason=decision.reason)
        if self._pid != os.getpid():
            self._reset_after_fork()  # a connection must not be shared with the parent process
        too_late = threading.Event()
        try:
            settings = self._settings = self._settings or resolve_settings(self._signal, os.environ, self._keywords)
            return run_with_timeout(settings.timeout, lambda: self._export(settings, records, too_late))
        except SettingsError as error:
            return ExportResult(accepted=False, reason=str(error))
        except TimeoutError:
            too_late.set()
            self.shutdown()
            return ExportResult(accepted=False, reason=f"the backend did not accept it within {settings.timeout:g} s")

    def _export(self, settings: OTLPSettings, records: Sequence[Any], too_late: threading.Event) -> ExportResult:
        with suppress_export_logs():
            try:
                exporter = self._made(settings, too_late)
                # Making it took time, after which the answer may be another.
                if too_late.is_set() or not consent():
                    return ExportResult(accepted=False, reason="it was too late, or consent was withdrawn")
                result = exporter.export(records)
            except SettingsError as error:
                return ExportResult(accepted=False, reason=str(error))
            except Exception as error:  # noqa: BLE001  whatever the transport raises, the host must not notice
                reason = self._verdict.reason or f"the exporter failed ({type(error).__name__})"
                return ExportResult(accepted=False, reason=reason)
        if result.name == "SUCCESS":
            return ExportResult(accepted=True)
        return ExportResult(accepted=False, reason=self._verdict.reason or "the exporter failed")

    def _made(self, settings: OTLPSettings, too_late: threading.Event) -> Any:  # noqa: ANN401  one of four types
        known = self._exporter
        if known is not None:
            return known
        from otel_tbot.otlp.client import otlp_exporter  # noqa: PLC0415  loads a transport

        made = otlp_exporter(settings, self._verdict)
        with self._swapping:
            if self._exporter is None and not too_late.is_set():
                self._exporter = made
                return made
        made.shutdown()  # nobody waits for it any more, or another thread was faster
        return self._exporter or made

    def shutdown(self) -> None:
        """Close the connection, and end an export that is under way. A later `export` opens another."""
        if self._pid != os.getpid():
            return  # what the parent opened is not ours to close
        with self._swapping:
            exporter, self._exporter = self._exporter, None
        if exporter is not None:
            with suppress_export_logs(), suppress(Exception):
                exporter.shutdown()


# What these log holds headers, addresses and answers, among which may be credentials and anything else.
_INDISCREET = (
    "grpc._common",
    "opentelemetry.util.re",
    "urllib3.connection",
    "urllib3.connectionpool",
    "urllib3.response",
    "urllib3.util.retry",
)
# The exporter gets a little less than the deadline, so that it ends by itself and is not left behind.
_EXPORTERS_SHARE = 0.95


def otlp_exporter(settings: OTLPSettings, verdict: FailureReason) -> Any:  # noqa: ANN401  four types with nothing in common
    """Return an exporter.

    Args:
        settings: where and how.
        verdict: where the reason of a failure is left.

    Raises:
        SettingsError: a certificate or key file cannot be read, or gRPC cannot be used in this process.
    """
    install_log_filter(*_INDISCREET)
    for name in ("certificate", "client_key", "client_certificate"):
        _require_readable(name, getattr(settings, name))
    exporter = _by_protocol(settings._replace(timeout=settings.timeout * _EXPORTERS_SHARE), verdict)
    install_log_filter(*(kind.__module__ for kind in type(exporter).__mro__ if ".exporter." in kind.__module__))
    return exporter


def _by_protocol(settings: OTLPSettings, verdict: FailureReason) -> Any:  # noqa: ANN401  see above
    if settings.protocol == "grpc":
        require_not_forked()
        from otel_tbot.otlp.grpc import grpc_exporter  # noqa: PLC0415  each loads a large library

        return grpc_exporter(settings, verdict)
    from otel_tbot.otlp.http import http_exporter  # noqa: PLC0415  see above

    return http_exporter(settings, verdict)


def _require_readable(name: str, path: str | None) -> None:
    try:
        if path is not None:
            Path(path).open("rb").close()
    except OSError as error:
        message = f"the file named by {name} (OTEL_EXPORTER_OTLP_{name.upper()}) cannot be read: {error.strerror}"
        raise SettingsError(message) from None
