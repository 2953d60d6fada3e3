"""The gate: what both anonymous exporters do, whatever the signal. Consent, construction, sending, one warning a cause.

This is the check inside `export()` that no sampler, processor or configuration can go around.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from otel_tbot.errors import InvalidEventError
from otel_tbot.host_log import warn
from otel_tbot.opt_in import asked, consent
from otel_tbot.otel.otlp import OTLPSender
from otel_tbot.otel.recognition import Batch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from otel_tbot.otel.otlp_settings import Signal


class Gate:
    """Stands before an exporter, and lets through only what was built anew."""

    def __init__(self, signal: Signal, exporter: Any, keywords: Mapping[str, object]) -> None:  # noqa: ANN401  any
        """Stand before `exporter`, or where it is None before the OTLP exporter that the settings describe.

        Raises nothing: an exception in a plug-in's constructor would abort the host's whole SDK configuration.
        """
        if not (exporter is None or _can_export(exporter)):
            # A declarative file can hold anything under this name: told at the first export, as any unknown keyword.
            exporter, keywords = None, {**keywords, "exporter": exporter}
        self._exporter = exporter
        self._sender = OTLPSender(signal, keywords)
        self._warned: set[str] = set()

    def export(self, items: Sequence[Any], rebuild: Callable[[Any, Batch], Any]) -> bool:
        """Send what `rebuild` makes of each item; None, or an error, drops the item.

        Returns:
            Whether all is well: also when there is no consent, or nothing among the items that is ours.
        """
        if not asked():
            return True
        decision = consent()
        if not decision:
            if decision.surprise:
                self._warn(decision.reason)
            return True
        try:
            rebuilt = list(self._rebuilt(items, rebuild))
            if not rebuilt:
                return True
            if self._exporter is not None:
                return bool(self._exporter.export(rebuilt).name == "SUCCESS")
            accepted, reason = self._sender.send(rebuilt)
        except Exception as error:  # noqa: BLE001  an exporter never raises into its host
            accepted, reason = False, f"the exporter failed ({type(error).__name__})"
        if not accepted:
            self._warn(f"tbot.start was not delivered: {reason}")
        return accepted

    def force_flush(self, timeout_millis: int) -> bool:
        """Pass the call on to an exporter that was given; ours holds nothing back."""
        with suppress(Exception):
            return bool(self._exporter is None or self._exporter.force_flush(timeout_millis))
        return False

    def shutdown(self) -> None:
        """Close what stands behind."""
        with suppress(Exception):
            (self._sender if self._exporter is None else self._exporter).shutdown()

    def _rebuilt(self, items: Sequence[Any], rebuild: Callable[[Any, Batch], Any]) -> Iterator[Any]:
        batch = Batch()
        for item in items:
            # A broken item must not keep the others from leaving.
            try:
                rebuilt = rebuild(item, batch)
            except InvalidEventError as error:  # noqa: PERF203  each item is judged by itself
                self._warn(f"a record of tbot.start was dropped: {error}")
            except Exception:  # noqa: BLE001, S112  an item of the host's that is no record at all
                continue
            else:
                if rebuilt is not None:
                    yield rebuilt

    def _warn(self, cause: str) -> None:
        if cause not in self._warned:
            self._warned.add(cause)
            warn("%s", cause)


def _can_export(exporter: object) -> bool:
    with suppress(Exception):  # looking is already a call, where it is a property
        return callable(getattr(exporter, "export", None))
    return False
