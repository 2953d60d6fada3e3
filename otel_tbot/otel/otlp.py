"""Sends to the OTLP backend that the settings describe: consent first, one deadline, an honest answer.

Every byte that this package sends to a backend of its own passes through `OTLPSender.send`.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from otel_tbot.errors import SettingsError
from otel_tbot.opt_in import consent
from otel_tbot.otel.deadline import within
from otel_tbot.otel.otlp_settings import resolve
from otel_tbot.otel.quiet import hush, quiet
from otel_tbot.otel.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from otel_tbot.otel.otlp_settings import OTLPSettings, Signal

# The exporter gets a little less than the deadline, so that it ends by itself and is not left behind.
_EXPORTERS_SHARE = 0.95


class Answer(NamedTuple):
    """What became of an export: accepted, or why not."""

    accepted: bool
    reason: str = ""


class OTLPSender:
    """A connection to one backend for one signal, made when first needed and anew in a forked child."""

    def __init__(self, signal: Signal, keywords: Mapping[str, object] | None = None) -> None:
        """Remember what to send; read no variable yet, and raise nothing.

        Args:
            signal: `logs` or `traces`.
            keywords: settings that stand before the environment's, see `OTLPSettings`.
        """
        self._signal = signal
        self._keywords = dict(keywords or {})
        self._verdict = Verdict()
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._pid = os.getpid()
        self._making = threading.Lock()
        self._settings: OTLPSettings | None = None
        self._exporter: Any = None

    def send(self, items: Sequence[Any]) -> Answer:
        """Send log records or spans that `payload` made.

        Returns:
            Accepted only if the backend accepted them all. Without consent, or after an error of any kind, not.
        """
        decision = consent()
        if not decision:
            return Answer(accepted=False, reason=decision.reason)
        if self._pid != os.getpid():
            self._begin_anew()  # a connection must not be shared with the parent process
        try:
            settings = self._settings = self._settings or resolve(self._signal, os.environ, self._keywords)
            return within(settings.timeout, lambda: self._export(settings, items))
        except SettingsError as error:
            return Answer(accepted=False, reason=str(error))
        except TimeoutError:
            self.shutdown()
            return Answer(accepted=False, reason=f"the backend did not accept it within {settings.timeout:g} s")

    def _export(self, settings: OTLPSettings, items: Sequence[Any]) -> Answer:
        with quiet():
            try:
                result = self._made(settings).export(items)
            except SettingsError as error:
                return Answer(accepted=False, reason=str(error))
            except Exception as error:  # noqa: BLE001  whatever the transport raises, the host must not notice
                reason = self._verdict.reason or f"the exporter failed ({type(error).__name__})"
                return Answer(accepted=False, reason=reason)
        if result.name == "SUCCESS":
            return Answer(accepted=True)
        return Answer(accepted=False, reason=self._verdict.reason or "the exporter failed")

    def _made(self, settings: OTLPSettings) -> Any:  # noqa: ANN401  one of four exporters without a common type
        with self._making:
            if self._exporter is None:
                self._exporter = _exporter(settings, self._verdict)
                hush(self._exporter)
            return self._exporter

    def shutdown(self) -> None:
        """Close the connection, and end an export that is under way. A later `send` makes another."""
        exporter, self._exporter = self._exporter, None
        if exporter is None:
            return
        with quiet(), suppress(Exception):
            exporter.shutdown()


def _exporter(settings: OTLPSettings, verdict: Verdict) -> Any:  # noqa: ANN401  see above
    from opentelemetry.util.re import parse_env_headers  # noqa: PLC0415  from here on everything is imported late

    headers = settings.headers
    if isinstance(headers, str):
        headers = parse_env_headers(headers, liberal=True)
    for name in ("certificate", "client_key", "client_certificate"):
        _require_readable(name, getattr(settings, name))
    settings = replace(settings, timeout=settings.timeout * _EXPORTERS_SHARE)
    if settings.protocol == "grpc":
        from otel_tbot.otel.otlp_grpc import grpc_exporter  # noqa: PLC0415

        return grpc_exporter(settings, headers, verdict)
    from otel_tbot.otel.otlp_http import http_exporter  # noqa: PLC0415

    return http_exporter(settings, headers, verdict)


def _require_readable(name: str, path: str | None) -> None:
    try:
        if path is not None:
            Path(path).read_bytes()
    except OSError as error:
        message = f"the file named by {name} (OTEL_EXPORTER_OTLP_{name.upper()}) cannot be read: {error.strerror}"
        raise SettingsError(message) from None
