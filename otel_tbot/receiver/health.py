"""`/healthz` and `/readyz`: whether this process answers, and whether the backend accepts events."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from otel_tbot.otlp.client import ExportResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_tbot.receiver.submission import Submission

# Seconds for which an answer of the backend counts. They bound how often it is asked, too.
_GOOD_FOR = 5.0
_BAD_FOR = 1.0
_PATIENCE = 2.0  # seconds to wait for the backend; orchestrators give a probe one to a few
_SLOW = ExportResult(accepted=False, reason=f"the backend has not answered within {_PATIENCE:g} s")


class BackendHealth:
    """Exports, and remembers how the last export went."""

    def __init__(
        self, export: Callable[[list[Submission]], asyncio.Future[ExportResult]], tell: Callable[[ExportResult], None]
    ) -> None:
        """Stand before `export`.

        Args:
            export: begins to deliver a batch, and says in the end what became of it.
            tell: called after each export, with what became of it.
        """
        self._export = export
        self._tell = tell
        self._last: ExportResult | None = None
        self._counts_until = 0.0
        self._probe: asyncio.Future[ExportResult] | None = None

    def export(self, batch: list[Submission]) -> asyncio.Future[ExportResult]:
        """Begin to deliver a batch; return what will become of it, which is never an exception."""
        return asyncio.ensure_future(self._remembered(batch))

    async def _remembered(self, batch: list[Submission]) -> ExportResult:
        try:
            answer = await self._export(batch)
        except Exception as error:  # noqa: BLE001  the senders wait for an answer, whatever went wrong
            answer = ExportResult(accepted=False, reason=f"the exporter failed ({type(error).__name__})")
        self._last = answer
        self._counts_until = time.monotonic() + (_GOOD_FOR if answer.accepted else _BAD_FOR)
        self._tell(answer)
        return answer

    async def ready(self) -> ExportResult:
        """Say whether the backend accepts: by the last export, or where that is long ago by an empty one (OTLP)."""
        if self._last is not None and time.monotonic() < self._counts_until:
            return self._last
        if self._probe is None or self._probe.done():
            self._probe = self.export([])
        done, _ = await asyncio.wait({self._probe}, timeout=_PATIENCE)
        return self._probe.result() if done else _SLOW
