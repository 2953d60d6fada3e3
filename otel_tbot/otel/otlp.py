"""Sends to the OTLP backend that the settings describe: consent first, one deadline, an honest answer.

Every byte that this package sends to a backend of its own passes through `OTLPSender.send`.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from otel_tbot.errors import SettingsError
from otel_tbot.opt_in import consent
from otel_tbot.otel.deadline import within
from otel_tbot.otel.otlp_settings import resolve
from otel_tbot.otel.quiet import quiet
from otel_tbot.otel.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from otel_tbot.otel.otlp_settings import OTLPSettings, Signal


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
        self._exporter: Any = None
        self._of_parents: list[Any] = []
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._pid = os.getpid()
        self._swapping = threading.Lock()
        self._settings: OTLPSettings | None = None
        # Kept, since to let go of a connection is to close it, and the locks that takes are as the fork found them.
        self._of_parents.append(self._exporter)
        self._exporter = None

    def send(self, items: Sequence[Any]) -> Answer:
        """Send log records or spans that `item.make` made.

        Returns:
            Accepted only if the backend accepted them all. Without consent, or after an error of any kind, not. After
            the deadline nothing is sent any more.
        """
        decision = consent()
        if not decision:
            return Answer(accepted=False, reason=decision.reason)
        if self._pid != os.getpid():
            self._begin_anew()  # a connection must not be shared with the parent process
        too_late = threading.Event()
        try:
            settings = self._settings = self._settings or resolve(self._signal, os.environ, self._keywords)
            return within(settings.timeout, lambda: self._export(settings, items, too_late))
        except SettingsError as error:
            return Answer(accepted=False, reason=str(error))
        except TimeoutError:
            too_late.set()
            self.shutdown()
            return Answer(accepted=False, reason=f"the backend did not accept it within {settings.timeout:g} s")

    def _export(self, settings: OTLPSettings, items: Sequence[Any], too_late: threading.Event) -> Answer:
        with quiet():
            try:
                exporter = self._made(settings, too_late)
                # Making it took time, after which the answer may be another.
                if too_late.is_set() or not consent():
                    return Answer(accepted=False, reason="it was too late, or consent was withdrawn")
                result = exporter.export(items)
            except SettingsError as error:
                return Answer(accepted=False, reason=str(error))
            except Exception as error:  # noqa: BLE001  whatever the transport raises, the host must not notice
                reason = self._verdict.reason or f"the exporter failed ({type(error).__name__})"
                return Answer(accepted=False, reason=reason)
        if result.name == "SUCCESS":
            return Answer(accepted=True)
        return Answer(accepted=False, reason=self._verdict.reason or "the exporter failed")

    def _made(self, settings: OTLPSettings, too_late: threading.Event) -> Any:  # noqa: ANN401  one of four types
        known = self._exporter
        if known is not None:
            return known
        from otel_tbot.otel.otlp_exporter import otlp_exporter  # noqa: PLC0415  loads a transport

        made = otlp_exporter(settings, self._verdict)
        with self._swapping:
            if self._exporter is None and not too_late.is_set():
                self._exporter = made
                return made
        made.shutdown()  # nobody waits for it any more, or another thread was faster
        return self._exporter or made

    def shutdown(self) -> None:
        """Close the connection, and end an export that is under way. A later `send` makes another."""
        if self._pid != os.getpid():
            return  # what the parent opened is not ours to close
        with self._swapping:
            exporter, self._exporter = self._exporter, None
        if exporter is not None:
            with quiet(), suppress(Exception):
                exporter.shutdown()
