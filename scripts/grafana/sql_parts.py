"""What the questions in ClickHouse's SQL have in common: each function returns parts of a `WITH`.

The macros are those of Grafana's data source for ClickHouse: `$__fromTime` and `$__toTime` are the ends of the time
that is shown.
"""

from __future__ import annotations

from otel_tbot.report.columns import COLUMNS
from otel_tbot.report.dimensions import SQL
from otel_tbot.report.figures import BURST_HISTORY, NOT_SET, RUN_MODES
from otel_tbot.report.trends import IN_USE
from otel_tbot.report.volume import BURST_DEVIATIONS, BURST_LEAST, BURST_TIMES_MEDIAN, SIGMA

STEP = "$step"  # of the board: `week` or `day`
MAJORS = "$supported_majors"  # of the board
RANGE = ("$__fromTime", "$__toTime")
MEDIAN = "median"  # exact up to 8192 values, and of two in the middle their mean
_, _DAEMON = RUN_MODES


def starts(name: str, begin: str, end: str, condition: str = "") -> str:
    """Return parts of a query: the starts of a period, each once, even if it was delivered several times.

    Few are delivered again. They are looked up first, because comparing all starts would cost far more.

    Args:
        name: the name of the part.
        begin: the start of the period.
        end: the end of the period, exclusive.
        condition: a further condition, which begins with `AND`.
    """
    stored = f"tbot_starts WHERE time >= {begin} AND time < {end}{condition}"
    repeated = f"(SELECT session FROM {stored} GROUP BY session HAVING count() > 1)"
    return f"""{name} AS (
    SELECT * FROM {stored}
        AND session NOT IN {repeated}
    UNION ALL
    SELECT * FROM (
        SELECT * FROM {stored}
            AND session IN {repeated}
        ORDER BY time, {", ".join(COLUMNS.values())} LIMIT 1 BY session
    )
)"""


def starts_in_range() -> str:
    """Return the starts of the time that is shown."""
    return starts("starts", *RANGE)


def period() -> str:
    """Return a part of a query: the times of the first and the last start that is shown, as the columns of `period`."""
    return f"""period AS (
    SELECT min(time) AS first, max(time) AS last, count() AS deliveries
    FROM tbot_starts WHERE time >= {RANGE[0]} AND time < {RANGE[1]}
)"""


def hours(begin: str, end: str) -> str:
    """Return parts of a query: `hours`, which says whether the daemon starts of an hour are in a burst.

    The history before an hour must be a week long; it begins with the first daemon start that is stored.
    """
    history = f"toStartOfHour({begin}, 'UTC') - INTERVAL {BURST_HISTORY} HOUR"
    return f"""{starts("daemons", history, end, f" AND run_mode = '{_DAEMON}'")}, filled AS (
    SELECT toStartOfHour(time) AS hour, toInt64(count()) AS number
    FROM daemons GROUP BY hour ORDER BY hour WITH FILL STEP INTERVAL 1 HOUR
), compared AS (
    SELECT hour, number,
        groupArray(number) OVER (ORDER BY hour ROWS BETWEEN {BURST_HISTORY} PRECEDING AND 1 PRECEDING) AS counted,
        arrayResize(counted, {BURST_HISTORY}, 0) AS past,
        arrayReduce('{MEDIAN}', past) AS usual,
        arrayReduce('{MEDIAN}', arrayMap(one -> abs(one - usual), past)) AS deviation
    FROM filled
), flagged AS (
    SELECT hour, number, usual,
        (length(counted) = {BURST_HISTORY} OR goes_back)
            AND number > greatest({BURST_LEAST}, {BURST_TIMES_MEDIAN} * usual)
            AND number > usual + {BURST_DEVIATIONS} * {SIGMA} * deviation AS above
    FROM compared CROSS JOIN (
        SELECT count() > 0 AS goes_back
        FROM (SELECT 1 FROM tbot_starts WHERE run_mode = '{_DAEMON}' AND time < {history} LIMIT 1)
    ) AS history
), hours AS (
    -- An hour between two that are above belongs to their burst.
    SELECT hour, number, usual, above, (above OR before AND after) AND hour >= {begin} AS in_burst
    FROM (
        SELECT *,
            lagInFrame(above) OVER (ORDER BY hour ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS before,
            leadInFrame(above) OVER (ORDER BY hour ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING) AS after
        FROM flagged
    )
)"""


def steps(dimension: str) -> str:
    """Return parts of a query: `counted`, the starts of a value in each whole step and run mode, without bursts.

    A step is whole if the starts cover it from the first hour of its first day to the last hour of its last day.
    """
    return f"""{hours(*RANGE)}, {starts_in_range()}, {period()}, covered AS (
    SELECT toDate(first) + if(toHour(first) = 0, 0, 1) AS begins, toDate(last) + if(toHour(last) = 23, 1, 0) AS ends
    FROM period
), counted AS (
    SELECT toDate(date_trunc('{STEP}', time)) AS step, run_mode, {SQL[dimension]} AS counted_value, count() AS number
    FROM starts
    WHERE NOT (run_mode = '{_DAEMON}' AND toStartOfHour(time) IN (SELECT hour FROM hours WHERE in_burst))
    GROUP BY step, run_mode, counted_value
    HAVING step >= (SELECT begins FROM covered) AND step + INTERVAL 1 {STEP} <= (SELECT ends FROM covered)
)"""


def column(mode: str) -> str:
    """Return a run mode as the name of a column."""
    return mode.replace("-", "_")


def days() -> str:
    """Return a part of a query: the starts of each day, from the first event to the last."""
    counted = ", ".join(f"countIf(run_mode = '{mode}') AS {column(mode)}" for mode in RUN_MODES)
    return f"""days AS (
    SELECT toDate(time) AS day, {counted} FROM starts GROUP BY day ORDER BY day WITH FILL STEP 1
)"""


def old(counted: str, step: str, supported: str) -> str:
    """Return parts of a query: `shares`, by step and run mode the starts with a known release, and with an old one.

    One machine with an unreleased version does not make other releases old. What was the newest remains so.

    Args:
        counted: the part with starts by release and run mode.
        step: the expression of the step.
        supported: how many of the newest majors are not old.
    """
    return f"""majors AS (
    SELECT {step} AS step, run_mode, toInt64OrNull(splitByChar('.', counted_value)[1]) AS major,
        sum(number) AS starts_of
    FROM {counted} WHERE counted_value != '{NOT_SET}' GROUP BY step, run_mode, major
), weighed AS (
    SELECT *,
        sum(starts_of) OVER (PARTITION BY step, major) AS of_major,
        sum(starts_of) OVER (PARTITION BY step) AS of_step
    FROM majors
), with_newest AS (
    SELECT *, max(if(of_major >= greatest(1, {IN_USE} * of_step), major, 0)) OVER (ORDER BY step) AS newest FROM weighed
), shares AS (
    SELECT step, run_mode, newest, sum(starts_of) AS known, sumIf(starts_of, major <= newest - {supported}) AS old
    FROM with_newest GROUP BY step, run_mode, newest
)"""
