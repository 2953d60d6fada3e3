"""The questions in ClickHouse's SQL, over the table `tbot_starts`.

Dimensions and thresholds, such as for bursts, gaps and old releases, are those of the report.
"""

from __future__ import annotations

from otel_tbot.report import display
from otel_tbot.report.dimensions import KINDS, SQL
from otel_tbot.report.figures import NOT_SET, OTHERS, RUN_MODES
from otel_tbot.report.formats.phrases import LABELS
from otel_tbot.report.trends import COMPARED, MIN_PERIOD, NEW_IN, RECENT, SERIES
from otel_tbot.report.volume import GAP_AROUND, GAP_DEVIATIONS, GAP_FEWEST_AROUND, GAP_PART, SATURDAY
from scripts.grafana import sql_parts as parts

_ONE_SHOT, _DAEMON = RUN_MODES
_VALUE = "Value"  # a series with this name is shown by its label alone


def totals() -> str:
    """Return the query for the starts of each run mode, and on a usual day."""
    rows = ", ".join(
        f"('{mode}', sum({parts.column(mode)}), toInt64(round(ifNotFinite(medianIf({parts.column(mode)}, whole), 0))))"
        for mode in RUN_MODES
    )
    return f"""\
WITH {parts.starts_in_range()}, {parts.days()}, {parts.period()}, marked AS (
    SELECT *, (day > toDate(first) OR toHour(first) = 0) AND (day < toDate(last) OR toHour(last) = 23) AS is_whole
    FROM days CROSS JOIN period
), weighed AS (
    -- Where no day is whole, all are compared.
    SELECT *, is_whole OR max(is_whole) OVER () = 0 AS whole FROM marked
)
SELECT entry.1 AS "{LABELS["run_mode"]}", entry.2 AS "starts", entry.3 AS "on a usual day"
FROM (SELECT arrayJoin([{rows}]) AS entry FROM weighed)"""


def releases(mode: str) -> str:
    """Return the query for the share of each release by step; rare ones are combined."""
    return f"""\
WITH {parts.steps("release")}, frequent AS (
    SELECT {SQL["release"]} AS counted_value FROM starts
    GROUP BY counted_value ORDER BY count() DESC, counted_value LIMIT {SERIES}
), shares AS (
    SELECT step, if(counted_value IN (SELECT counted_value FROM frequent), counted_value, '{OTHERS}') AS shown,
        sum(number) / sum(sum(number)) OVER (PARTITION BY step) AS share
    FROM counted WHERE run_mode = '{mode}' GROUP BY step, shown
)
SELECT toDateTime(step, 'UTC') AS time, shown AS release, share AS "{_VALUE}"
FROM shares ORDER BY time, arrayMap(part -> toUInt32OrZero(part), splitByChar('.', shown)) DESC, shown"""


def table(dimension: str) -> str:
    """Return the query for the values of a dimension: the starts and the share of each, and the days it was seen."""
    one_shot, daemon = (f"{parts.column(mode)} / nullIf(sum({parts.column(mode)}) OVER (), 0)" for mode in RUN_MODES)
    return f"""\
WITH {parts.starts_in_range()}, counted AS (
    SELECT {SQL[dimension]} AS counted_value,
        {", ".join(f"countIf(run_mode = '{mode}') AS {parts.column(mode)}" for mode in RUN_MODES)},
        uniqExact(toDate(time)) AS days
    FROM starts GROUP BY counted_value
)
SELECT counted_value AS "{LABELS[dimension]}",
    {parts.column(_ONE_SHOT)} AS "{_ONE_SHOT}", {one_shot} AS "share of {_ONE_SHOT}",
    {parts.column(_DAEMON)} AS "{_DAEMON}", {daemon} AS "share of {_DAEMON}",
    days AS "days seen"
FROM counted ORDER BY greatest(ifNull("share of {_ONE_SHOT}", 0), ifNull("share of {_DAEMON}", 0)) DESC, 1"""


def movement() -> str:
    """Return the query that compares the share of each join method in the first whole steps with the last ones."""
    return f"""\
WITH {parts.steps("join_type")}, placed AS (
    SELECT *, arraySort(groupUniqArray(step) OVER ()) AS begins, least({COMPARED}, intDiv(length(begins), 2)) AS most
    FROM counted
), sides AS (
    SELECT run_mode, counted_value,
        sumIf(number, has(arraySlice(begins, 1, most), step)) AS earlier,
        sumIf(number, has(arraySlice(begins, -toInt64(most)), step)) AS later
    FROM placed WHERE length(begins) >= {COMPARED} GROUP BY run_mode, counted_value
), shares AS (
    SELECT run_mode, counted_value, earlier, later,
        earlier / nullIf(sum(earlier) OVER (PARTITION BY run_mode), 0) AS share_before,
        later / nullIf(sum(later) OVER (PARTITION BY run_mode), 0) AS share_after
    FROM sides
)
SELECT counted_value AS "{LABELS["join_type"]}", run_mode AS "{LABELS["run_mode"]}",
    share_before AS "before", share_after AS "after", 100 * (share_after - share_before) AS "change in points"
FROM shares
WHERE earlier + later > 0 AND share_before IS NOT NULL AND share_after IS NOT NULL
ORDER BY abs("change in points") DESC, 1, 2"""


def destinations() -> str:
    """Return the query for the shares of starts with none, one, two, and more destinations of each kind."""
    buckets = display.NUMBERS_OF_DESTINATIONS
    compared = [*(f"= {number}" for number in range(len(buckets) - 1)), f">= {len(buckets) - 1}"]
    shares = ",\n    ".join(
        f'countIf(number {condition}) / count() AS "{bucket}"'
        for condition, bucket in zip(compared, buckets, strict=True)
    )
    kinds = ", ".join(f"('{kind}', destinations_{kind})" for kind in KINDS)
    return f"""\
WITH {parts.starts_in_range()}, counted AS (
    SELECT run_mode, arrayJoin([{kinds}]) AS pair, pair.1 AS counted_kind, pair.2 AS number FROM starts
)
SELECT counted_kind AS "kind", run_mode AS "{LABELS["run_mode"]}",
    {shares}
FROM counted GROUP BY counted_kind, run_mode
ORDER BY indexOf([{", ".join(f"'{kind}'" for kind in KINDS)}], counted_kind), run_mode DESC"""


def per_day() -> str:
    """Return the query for the starts of each day, their median over seven days, and days that may lack events."""
    week = "OVER (ORDER BY day ROWS BETWEEN 3 PRECEDING AND 3 FOLLOWING)"
    medians = ",\n    ".join(
        f'if(count() {week} = 7, {parts.MEDIAN}({parts.column(mode)}) {week}, NULL) AS "{mode}, median of seven days"'
        for mode in RUN_MODES
    )
    total = " + ".join(map(parts.column, RUN_MODES))
    return f"""\
WITH {parts.starts_in_range()}, {parts.days()}, compared AS (
    SELECT *, {total} AS number, toDayOfWeek(day) >= {SATURDAY} AS at_weekend,
        groupArray((day, toDayOfWeek(day) >= {SATURDAY}, {total})) OVER (
            ORDER BY day ROWS BETWEEN {GAP_AROUND} PRECEDING AND {GAP_AROUND} FOLLOWING
        ) AS near,
        arrayMap(other -> other.3, arrayFilter(other -> other.1 != day AND other.2 = at_weekend, near)) AS around,
        arrayReduce('{parts.MEDIAN}', around) AS usual,
        length(around) > {GAP_FEWEST_AROUND}
            AND number < least({GAP_PART} * usual, usual - {GAP_DEVIATIONS} * sqrt(usual))
            AND day > min(day) OVER () AND day < max(day) OVER () AS is_gap
    FROM days
)
SELECT toDateTime(day, 'UTC') AS time,
    {", ".join(f'{parts.column(mode)} AS "{mode}"' for mode in RUN_MODES)},
    {medians},
    if(is_gap, number, NULL) AS "may lack events"
FROM compared ORDER BY time"""


def bursts_by_hour() -> str:
    """Return the query for the daemon starts of each hour, with a second series for those of a burst."""
    return f"""\
WITH {parts.hours(*parts.RANGE)}
SELECT hour AS time, number AS "daemon starts", if(in_burst, number, NULL) AS "burst"
FROM hours WHERE hour >= $__fromTime ORDER BY time"""


def bursts() -> str:
    """Return the query for the bursts: when, how many starts, how many would be usual, and what most of them share."""
    return f"""\
WITH {parts.hours(*parts.RANGE)}, grouped AS (
    SELECT *, hour - 3600 * row_number() OVER (ORDER BY hour) AS burst FROM hours WHERE in_burst
), found AS (
    SELECT min(hour) AS begins, max(hour) + INTERVAL 1 HOUR AS ends, sumIf(number, above) AS number,
        round(argMin(usual, hour) * count()) AS expected
    FROM grouped GROUP BY burst
), common AS (
    SELECT begins, ends, number, expected, version, join_type, count() AS of_these
    FROM found CROSS JOIN daemons WHERE time >= begins AND time < ends
    GROUP BY begins, ends, number, expected, version, join_type
    ORDER BY of_these DESC, version, join_type LIMIT 1 BY begins
)
SELECT begins AS "begin (UTC)", ends AS "end (UTC)", number AS "daemon starts", expected AS "would be usual",
    coalesce(version, '{NOT_SET}') AS "{LABELS["version"]}",
    coalesce(join_type, '{NOT_SET}') AS "{LABELS["join_type"]}",
    of_these / number AS "share of these"
FROM common ORDER BY begins DESC"""


def old_releases() -> str:
    """Return the query for the share of starts with a release that was old by then."""
    return f"""\
WITH {parts.steps("release")}, {parts.old("counted", "step", parts.MAJORS)}
SELECT toDateTime(step, 'UTC') AS time, run_mode AS "{LABELS["run_mode"]}", old / known AS "{_VALUE}"
FROM shares ORDER BY time, run_mode DESC"""


def hours() -> str:
    """Return the query for the average of one-shot starts in each hour of the week."""
    days = ", ".join(
        f'sumIf(number, day = {place}) / greatest(1, sumIf(present, day = {place})) AS "{name}"'
        for place, name in enumerate(display.DAYS, start=1)
    )
    return f"""\
WITH {parts.starts_in_range()}, {parts.period()}, counted AS (
    SELECT toDayOfWeek(time) AS day, toHour(time) AS hour, count() AS number, 0 AS present
    FROM starts WHERE run_mode = '{_ONE_SHOT}' GROUP BY day, hour
    UNION ALL
    -- How often each hour of the week is in the period: a partial week must not weigh more.
    SELECT toDayOfWeek(one) AS day, toHour(one) AS hour, 0 AS number, count() AS present
    FROM (
        SELECT arrayJoin(arrayMap(
            place -> toStartOfHour(first) + 3600 * place, range(toUInt64(intDiv(last - toStartOfHour(first), 3600) + 1))
        )) AS one
        FROM period WHERE deliveries > 0
    )
    GROUP BY day, hour
)
SELECT concat(toString(hour), ':00') AS "hour (UTC)", {days}
FROM counted GROUP BY hour ORDER BY hour"""


def new() -> str:
    """Return the query for the values that were not seen before the last weeks of a period that is long enough."""
    counted = ", ".join(f"countIf(run_mode = '{mode}') AS {parts.column(mode)}" for mode in RUN_MODES)
    pairs = ", ".join(f"('{LABELS[one]}', {SQL[one]})" for one in NEW_IN)
    return f"""\
WITH {parts.starts_in_range()}, {parts.period()}, seen AS (
    SELECT arrayJoin([{pairs}]) AS pair, min(time) AS since, {counted} FROM starts GROUP BY pair
)
SELECT pair.1 AS "what", pair.2 AS "value", toDate(since) AS "since",
    {", ".join(f'{parts.column(mode)} AS "{mode}"' for mode in RUN_MODES)}
FROM seen CROSS JOIN period
WHERE seen.since > last - INTERVAL {RECENT.days} DAY AND last - first >= {int(MIN_PERIOD.total_seconds())}
    AND pair.2 != '{NOT_SET}'
ORDER BY indexOf([{", ".join(f"'{LABELS[one]}'" for one in NEW_IN)}], pair.1), seen.since, pair.2"""


def burst_now() -> str:
    """Return the query for how many of this hour and the one before are in a burst."""
    begin = "toStartOfHour(now(), 'UTC') - INTERVAL 1 HOUR"
    return f"""\
WITH {parts.hours(begin, "now()")}
SELECT toFloat64(countIf(in_burst)) AS value FROM hours"""


def old_releases_now(*, supported: int, at_least: int) -> str:
    """Return the query for the share of old releases in the last week, of run modes with enough of them."""
    return f"""\
WITH {parts.starts("starts", "now() - INTERVAL 7 DAY", "now()")}, counted AS (
    SELECT run_mode, {SQL["release"]} AS counted_value, count() AS number FROM starts GROUP BY run_mode, counted_value
), {parts.old("counted", "'the last week'", str(supported))}
SELECT run_mode, old / known AS value FROM shares WHERE old >= {at_least}"""


def starts_now() -> str:
    """Return the query for the starts of the last day."""
    return """\
SELECT toFloat64(count()) AS value FROM tbot_starts WHERE time >= now() - INTERVAL 1 DAY AND time <= now()"""


def new_join_methods_now() -> str:
    """Return the query for the starts of join methods that were first seen in the last day, of the last weeks.

    It has no rows if nothing is stored from the first of these days, because then everything would be new.
    """
    return f"""\
WITH {parts.starts("starts", f"now() - INTERVAL {RECENT.days} DAY", "now()")}
SELECT join_type, toFloat64(count()) AS value FROM starts
WHERE join_type IS NOT NULL AND (SELECT min(time) FROM starts) < now() - INTERVAL {RECENT.days - 1} DAY
GROUP BY join_type HAVING min(time) >= now() - INTERVAL 1 DAY"""
