"""`/healthz` and `/readyz`: whether this process answers, and whether the backend accepts events."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from otel_tbot.otlp.client import ExportResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_tbot.receiver.batch_queue import Submission

# Seconds for which a result of the backend is reused. They also limit how often it is probed.
_SUCCESS_SECONDS = 5.0
_FAILURE_SECONDS = 1.0
_PROBE_TIMEOUT = 2.0  # seconds; orchestrators give a probe one to a few
_TIMED_OUT = ExportResult(accepted=False, reason=f"the backend has not answered within {_PROBE_TIMEOUT:g} s")


class BackendHealth:
    """Exports, and remembers the last result."""

    def __init__(
        self,
        export: Callable[[list[Submission]], asyncio.Future[ExportResult]],
        on_result: Callable[[ExportResult], None],
    ) -> None:
        """Wrap `export`.

        Args:
            export: starts to deliver a batch, and returns a future of the result.
            on_result: called after each export with its result.
        """
        self._export = export
        self._on_result = on_result
        self._last: ExportResult | None = None
        self._valid_until = 0.0
        self._probe: asyncio.Future[ExportResult] | None = None

    def export(self, batch: list[Submission]) -> asyncio.Future[ExportResult]:
        """Start to deliver a batch; return a future of the result, which is never an exception."""
        return asyncio.ensure_future(self._export_and_remember(batch))

    async def _export_and_remember(self, batch: list[Submission]) -> ExportResult:
        try:
            result = await self._export(batch)
        except Exception as error:  # noqa: BLE001  the clients wait for a response
            result = ExportResult(accepted=False, reason=f"the exporter failed ({type(error).__name__})")
        self._last = result
        self._valid_until = time.monotonic() + (_SUCCESS_SECONDS if result.accepted else _FAILURE_SECONDS)
        self._on_result(result)
        return result

    async def ready(self) -> ExportResult:
        """Return whether the backend accepts events: by the last export, or if that is too old by an empty one."""
        if self._last is not None and time.monotonic() < self._valid_until:
            return self._last
        if self._probe is None or self._probe.done():
            self._probe = self.export([])
        done, _ = await asyncio.wait({self._probe}, timeout=_PROBE_TIMEOUT)
        return self._probe.result() if done else _TIMED_OUT
