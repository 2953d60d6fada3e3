"""The interface that a report needs from every engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from otel_tbot.report.figures import LeftOut

Rows: TypeAlias = "Sequence[tuple[Any, ...]]"


@dataclass(frozen=True, kw_only=True)
class Period:
    """The reported period: half-open, in UTC, without a time zone. None means no limit."""

    since: datetime | None = None
    until: datetime | None = None


class Starts(Protocol):
    """The starts of a period in an engine, at least one, each once."""

    @property
    def left_out(self) -> LeftOut:
        """What was read and is not counted."""

    def query(self, sql: str) -> Rows:
        """Return the rows that answer a query of the table `tbot_starts`, in SQL that every engine accepts.

        Raises:
            ReportError: the query failed.
        """

    def as_parquet(self) -> bytes:
        """Return the starts as a Parquet file that `report` can read. Nothing is suppressed.

        Raises:
            ReportError: the query failed.
        """
