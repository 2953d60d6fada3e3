"""A report as JSON: the contract `otel-tbot/report/1`, described by `schema.json` next to this module."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from otel_tbot.report.figures import RUN_MODES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from otel_tbot.report.figures import Figures, Table

FORMAT = "otel-tbot/report/1"


def render_json(figures: Figures, dimensions: Sequence[str]) -> str:
    """Return a report as JSON.

    Args:
        figures: what to report.
        dimensions: the tables to include.
    """
    return json.dumps(document(figures, dimensions), indent=1) + "\n"


def document(figures: Figures, dimensions: Sequence[str]) -> dict[str, Any]:
    """Return a report as the value of the JSON document."""
    left_out = figures.left_out
    return {
        "format": FORMAT,
        "from": _time(figures.first),
        "to": _time(figures.last),
        "fewer_than": figures.at_least,
        "starts": dict(figures.starts),
        "median_day": dict(figures.median_day),
        "left_out": {
            "unreadable_lines": left_out.unreadable_lines,
            "not_by_the_reference": left_out.invalid,
            "repeated": left_out.repeated,
            "implausible_time": left_out.implausible_time,
            "outside_period": left_out.outside_period,
        },
        "tables": {dimension: _table(figures.tables[dimension]) for dimension in dimensions},
        "bursts": [
            {
                "from": _time(burst.begin),
                "until": _time(burst.end),
                "starts": burst.starts,
                "expected": burst.expected,
                "version": burst.version,
                "join_type": burst.join_type,
            }
            for burst in figures.bursts
        ],
        "gaps": [day.isoformat() for day in figures.gaps],
        "new": [
            {"dimension": new.dimension, "value": new.value, "starts": dict(new.starts), "since": new.since.isoformat()}
            for new in figures.new
        ],
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "rows": [
            {
                "value": row.value,
                **{mode: row.starts[mode] for mode in RUN_MODES},
                **{f"{mode} share": row.shares[mode] for mode in RUN_MODES},
                "days": row.days,
            }
            for row in table.rows
        ],
        "suppressed": {"values": table.suppressed, **table.suppressed_starts},
    }


def _time(time: datetime) -> str:
    return f"{time.isoformat(timespec='seconds')}Z"
